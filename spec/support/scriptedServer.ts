import { map, type Observable } from 'rxjs'
import { FatalError, PermanentError, TransientError } from '../../lib/errors.ts'
import { afterServing, Script } from '../../lib/testing/fakes/script.ts'
import type { Scripted } from '../../lib/testing/fakes/scripted.ts'
import type { Kit } from '../../lib/testing/kit.ts'
import type { SendLike } from '../../operators/sendTo/sendTo.ts'

/** A server that does nothing but reply, as a test's script says: for operators that have no fake of their own. */
export interface ScriptedServer extends Scripted<string>, SendLike {
  /** Asks for some names in one request; gives what failed of it, null for the others. */
  ask(names: readonly string[]): Observable<readonly (Error | null)[]>
}

const servers = new WeakMap<Kit, ScriptedServer>()

/** The scripted server of a test: one for each. */
export function scriptedServer(kit: Kit): ScriptedServer {
  const server = servers.get(kit) ?? serverOn(kit)
  servers.set(kit, server)
  return server
}

function serverOn({ kafka }: Kit): ScriptedServer {
  const errors = {
    transient: new TransientError('away'),
    permanent: new PermanentError('refused'),
    fatal: new FatalError('not allowed'),
    lost: afterServing(new TransientError('no reply')),
  }
  const script = new Script<string, null>({ clock: kafka.clock, errors, namesOf: (name) => [name] })
  const ask = (names: readonly string[]) => script.ask(names, (served) => served.map(() => null))
  const send: SendLike['send'] = (messages, done) => {
    const failed = ask(messages.map(({ value }) => String(value))).pipe(map((all) => all.find((one) => one !== null)))
    failed.subscribe((error) => done(error ?? null))
  }
  return script.control({ ask, send })
}
