import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1

struct FeedChannel: HTTPChannelHandler {
  struct Settings: Sendable {
    let limits: ConnectionLimits
    let core: FeedCore
    let metrics: HTTPMetrics
    let listener: String
    let answersPagesDirectly: Bool
  }
  typealias Value = NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>
  let responder: HTTPChannelHandler.Responder
  let settings: Settings

  func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
    HTTP1Channel(responder: responder).setup(channel: channel, logger: logger)
  }

  func handle(value: Value, logger: Logger) async {
    await handleHTTP(asyncChannel: value, logger: logger)
  }
}
