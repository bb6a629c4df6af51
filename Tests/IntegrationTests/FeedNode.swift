import ActionEmitter
import ActionIngest
import ActionStore
import AsyncHTTPClient
import AuditActions
import FeedServer
import Foundation
import Kafka
import Logging
import NIOCore
import NIOHTTP1

/// A whole node in this process: store, ingest and feed, on a port of its own.
final class FeedNode: Sendable {
  let store: ActionStore
  let ingest: ActionIngest
  let url: String
  private let tasks: [Task<Void, any Error>]

  private struct AlwaysReady: ReadinessSource {
    func checks() -> [ReadinessCheck] { [] }
  }

  init(
    cluster: KafkaConfiguration, topic: String, directory: String, sealingKey: [UInt8]? = nil
  ) async throws {
    let logger = RealCluster.logger
    var storage = StoreConfiguration(directory: directory, topic: topic)
    storage.sealingKey = sealingKey
    store = try ActionStore(configuration: storage, logger: logger)
    var configuration = IngestConfiguration(kafka: cluster, topic: topic)
    configuration.partitionRefreshMilliseconds = 200
    let ingest = ActionIngest(configuration: configuration, store: store, logger: logger)
    self.ingest = ingest
    let server = FeedServer(
      configuration: FeedServerConfiguration(listen: ListenAddress(host: "127.0.0.1", port: 0)), store: store,
      publisher: nil, readiness: AlwaysReady(), registry: PrometheusRegistry(), logger: logger)
    tasks = [Task { try await ingest.run() }, Task { try await server.run() }]
    url = "http://127.0.0.1:\(await server.listening()?.feed ?? 0)"
  }

  func stop() async throws {
    for task in tasks { task.cancel() }
    for task in tasks { _ = await task.result }
    try store.close()
  }

  /// Follows `next` from the head to the first 204; the bodies, and the last `next`.
  func follow(_ queue: QueueAddress, limit: Int) async throws -> (bodies: [String], next: String?) {
    var path = "/v1/\(queue.project)/queues/\(queue.queue)/actions?limit=\(limit)"
    var bodies: [String] = []
    var next: String?
    while true {
      let response = try await HTTPClient.shared.execute(HTTPClientRequest(url: url + path), timeout: .seconds(30))
      guard response.status.code == 200 else { return (bodies, response.status.code == 204 ? next : nil) }
      let text = String(buffer: try await response.body.collect(upTo: 64 << 20))
      let page = try FeedPage(text)
      bodies += page.bodies
      path = page.next
      next = page.next
    }
  }
}

/// A page taken apart by hand, so that bodies are compared byte for byte.
struct FeedPage {
  let next: String
  let bodies: [String]

  struct Malformed: Error {}

  init(_ text: String) throws {
    guard let start = text.range(of: "\"href\":\""),
      let end = text.range(of: "\"", range: start.upperBound..<text.endIndex)
    else { throw Malformed() }
    next = String(text[start.upperBound..<end.lowerBound])
    // Bodies of these tests hold none of the marks.
    let messages = text.range(of: "],\"gaps\":").map { text[..<$0.lowerBound] + "]}" } ?? text[...]
    bodies = messages.components(separatedBy: "\"body\":").dropFirst().map { part in
      part.range(of: "},{\"href\"").map { String(part[..<$0.lowerBound]) } ?? String(part.dropLast("}]}".count))
    }
  }
}
