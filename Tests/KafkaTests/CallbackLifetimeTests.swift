import Logging
import Testing

@testable import Kafka

@Suite(.timeLimit(.minutes(2))) struct CallbackLifetimeTests {
  /// A consumer that cannot be made, say, leaves nothing but its C handle, and that one closes on a thread of its own:
  /// until then librdkafka may open connections, and so calls back.
  @Test func whatAConsumersHandleCallsBackLivesAsLongAsTheHandleAndNoLonger() async throws {
    let broker = try EmbeddedBroker()
    var core: ConsumerCore? = try ConsumerCore(
      configuration: broker.configuration, group: nil, logger: Logger(label: "test"))
    weak let callbacks = core?.callbacks
    weak let gone = core
    var handle = core?.handle
    core = nil
    #expect(gone == nil)
    #expect(callbacks != nil)
    handle?.beginClose()
    #expect(await handle?.closed.opened(within: patience) == true)
    handle = nil
    await until { callbacks == nil }
    #expect(callbacks == nil)
    await broker.close()
  }
}
