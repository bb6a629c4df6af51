import ActionStore
import AuditActions
import FeedServer
import Foundation
import Logging
import ServiceLifecycle

/// Pages over HTTP: a server in this process, and one connection that asks for one page after the other.
enum PageWork {
  static let queueCount = 100
  static let actionsPerQueue = 100
  static let bodyBytes = 400

  static func run(limit: Int, count: Int, withMarker: Bool) async throws {
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent("strandline-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: directory) }
    var logger = Logger(label: "instructions")
    logger.logLevel = .error
    var configuration = StoreConfiguration(directory: directory.path, topic: "audit.actions")
    configuration.sealingKey = Array(0..<UInt8(TokenSealer.keyBytes))
    let store = try ActionStore(configuration: configuration, logger: logger)
    try fill(store)
    let server = FeedServer(
      configuration: FeedServerConfiguration(listen: ListenAddress(host: "127.0.0.1", port: 0)), store: store,
      publisher: nil, readiness: AlwaysReady(), registry: PrometheusRegistry(),
      currency: { FeedCurrency(completeThroughMilliseconds: 1_700_000_000_000) }, logger: logger)
    let group = ServiceGroup(configuration: .init(services: [server], logger: logger))
    try await withThrowingTaskGroup(of: Void.self) { tasks in
      tasks.addTask { try await group.run() }
      guard let port = await server.listening()?.feed else { throw InstructionsFailure("the server does not listen") }
      let target = "/v1/bench/queues/queue-7/actions?limit=\(limit)"
      let next = withMarker ? try marker(store, limit: limit) : ""
      try await onThread { try Self.ask(target + next, count: count, port: port) }
      await group.triggerGracefulShutdown()
      try await tasks.waitForAll()
    }
    try store.close()
  }

  /// The `marker` parameter of a follower who has read half of the queue.
  private static func marker(_ store: ActionStore, limit: Int) throws -> String {
    let queue = try QueueAddress(project: "bench", queue: "queue-7")
    let page = store.page(of: queue, after: nil, limit: actionsPerQueue / 2)
    return "&marker=" + store.sealer.seal(page.marker, queue: queue)
  }

  private static func ask(_ target: String, count: Int, port: Int) throws {
    let connection = try Connection(port: port)
    let request = Array("GET \(target) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\n\r\n".utf8)
    let bytes = try connection.answer(to: request, length: nil)
    for _ in 0..<count { _ = try connection.answer(to: request, length: bytes) }
  }

  /// A body of the size it says, with nothing to escape.
  static var body: [UInt8] {
    let start = "{\"event\":\"ClaimExpired\",\"details\":{\"p\":\""
    let filling = String(repeating: "x", count: bodyBytes - start.utf8.count - 3)
    return Array("\(start)\(filling)\"}}".utf8)
  }

  /// Ten batches, so that a queue's actions lie in several frames.
  private static func fill(_ store: ActionStore) throws {
    let body = body
    let keys = (0..<queueCount).map { Array("bench/queue-\($0)".utf8) }
    let event = eventHash("ClaimExpired")
    let batchCount = 10
    let batchRecords = queueCount * actionsPerQueue / batchCount
    for number in 0..<batchCount {
      _ = try store.append { batch in
        for offset in (number * batchRecords)..<((number + 1) * batchRecords) {
          body.withUnsafeBytes { body in
            keys[offset % keys.count].withUnsafeBytes { key in
              _ = batch.add(
                partition: 0, offset: Int64(offset), key: key, timestampMilliseconds: nil, timeToLiveSeconds: 300,
                eventHash: event, body: body)
            }
          }
        }
      }
    }
  }
}

private struct AlwaysReady: ReadinessSource {
  func checks() -> [ReadinessCheck] { [] }
}
