import { describe, it } from 'vitest'
import { type Life, lives, take } from '../support/model/commands.ts'
import { finish } from '../support/model/finish.ts'
import { World } from '../support/model/world.ts'
import { holds } from '../support/property.ts'

function live({ setup, commands }: Life, world = new World(setup)): World {
  world.subscribe()
  for (const command of commands) take(world, command)
  finish(world)
  return world
}

function inWords(life: Life): string {
  const world = new World(life.setup)
  world.story = [JSON.stringify(life.setup)]
  try {
    live(life, world)
  } catch {}
  return world.story.map((line) => `  ${line}`).join('\n')
}

describe('a source', () => {
  it('keeps the law of acks, whatever happens', { timeout: 120_000 }, () => {
    holds(lives, live, { runs: 20_000, inWords })
  })
})
