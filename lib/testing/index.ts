export type {
  FakeHttp,
  FakeHttpOptions,
  FakeRequestInit,
  FakeResponse,
  HttpReply,
  HttpRequest,
} from './fakes/fakeHttp.ts'
export { fakeHttp, res } from './fakes/fakeHttp.ts'
export type { Call, Drawings, FakeErrors, Letters, Scripted } from './fakes/scripted.ts'
export type { MarbleMessages, MarbleOptions } from './marbleMessages.ts'
export { marbleMessages } from './marbleMessages.ts'
