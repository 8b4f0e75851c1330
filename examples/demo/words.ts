/** The vocabulary of the demo's data. */
export const names = 'ada alan barbara claude dennis donald edsger frances grace guido jean john katherine ken'.split(
  ' ',
)
export const deeds = ['posted photo', 'liked photo', 'commented on photo', 'shared photo', 'saved photo'] as const
export const symbols = 'ACME BOLT COGS DYNA ECHO FLUX GEAR HALO IONA JOLT KITE LUMA MIRA NOVA ORBT PYRE'.split(' ')
export const adjectives =
  'amber ancient bitter brave bright calm clever coral crimson curly daring dusty eager early fancy gentle golden happy'.split(
    ' ',
  )
export const nouns =
  'anchor basket bottle bridge candle castle compass feather garden hammer island jacket kettle ladder lantern mirror'.split(
    ' ',
  )
/** Words that no document has. */
export const strangers = 'quasar zeppelin yacht xylophone'.split(' ')
