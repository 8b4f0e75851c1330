/** An order as JSON has it. */
export const orderJson = (id: string, more = {}) => ({
  id,
  user_id: 'ada',
  symbol: 'ACME',
  quantity: 3,
  timestamp: '2026-01-05T14:30:00.000Z',
  ...more,
})

/** The same as the pipelines see it. */
export const order = (id: string, more = {}) => ({
  ...orderJson(id, more),
  timestamp: new Date('2026-01-05T14:30:00.000Z'),
})
