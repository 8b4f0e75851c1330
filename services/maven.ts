import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cacheFolder, withLock } from './cache.ts'
import { requireTool, runCommand } from './command.ts'

/** Copies Maven artifacts (`group:artifact:version`) and all that they need at run time into a folder. */
export async function fetchJars(
  artifacts: readonly string[],
  folder: string,
  say: (line: string) => void,
): Promise<void> {
  const mvn = requireTool('mvn', 'to fetch the Java servers', 'install Maven 3 (apt-get install maven)')
  const pom = join(folder, 'pom.xml')
  await writeFile(pom, project(artifacts))
  // One at a time: two Mavens that fill one local repository can trip over each other.
  await withLock(join(cacheFolder(), 'maven.lock'), say, () =>
    runCommand(
      mvn,
      [
        '-q',
        '-B',
        '-Dstyle.color=never',
        '-f',
        pom,
        'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies',
        '-DincludeScope=runtime',
        `-DoutputDirectory=${join(folder, 'lib')}`,
      ],
      { log: join(folder, 'maven.log') },
    ),
  )
}

function project(artifacts: readonly string[]): string {
  const dependencies = artifacts.map((artifact) => {
    const [group, name, version] = artifact.split(':')
    return `    <dependency><groupId>${group}</groupId><artifactId>${name}</artifactId><version>${version}</version></dependency>\n`
  })
  return `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>services</groupId><artifactId>server</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
${dependencies.join('')}  </dependencies>
</project>
`
}
