import AuditActions
import Foundation
import HTTPTypes
import HummingbirdTesting
import Kafka
import QueueMetadata
import Testing

@testable import FeedServer

/// A feed whose queues are audited by choice, with a broker that keeps their metadata.
struct AuditedFeed {
  let broker: EmbeddedBroker
  let queues: AuditedQueues
  let feed: Feed

  /// - Parameter isRead: false: the metadata is never read.
  init(
    default policy: AuditDefault = .declared, publisher: ActionPublisher? = nil,
    currency: (@Sendable () -> FeedCurrency)? = nil, isRead: Bool = true
  ) async throws {
    broker = try EmbeddedBroker(logger: Feed.logger)
    try broker.createTopic(QueueMetadataConfiguration.defaultTopic, partitions: 1)
    var configuration = QueueMetadataConfiguration(kafka: broker.configuration, auditDefault: policy)
    configuration.retryMilliseconds = 20
    let reader = try QueueMetadataReader(configuration: configuration, logger: Feed.logger)
    queues = AuditedQueues(reader: reader, writer: try QueueMetadataWriter(reader: reader, logger: Feed.logger))
    feed = try Feed(publisher: publisher, currency: currency, audit: queues)
    guard isRead else { return }
    reader.start()
    let deadline = ContinuousClock.now + .seconds(60)
    while !reader.isCaughtUp, ContinuousClock.now < deadline { try await Task.sleep(for: .milliseconds(5)) }
    #expect(reader.isCaughtUp)
  }

  func end() async {
    await queues.writer.close()
    await queues.reader.close()
    await broker.close()
  }

  /// Runs a test against the feed, through Hummingbird's router.
  static func test(
    default policy: AuditDefault = .declared, publisher: ActionPublisher? = nil,
    currency: (@Sendable () -> FeedCurrency)? = nil, isRead: Bool = true,
    _ body: @Sendable (AuditedFeed, any TestClientProtocol) async throws -> Void
  ) async throws {
    let audited = try await AuditedFeed(default: policy, publisher: publisher, currency: currency, isRead: isRead)
    do {
      try await audited.feed.test { client async throws in try await body(audited, client) }
    } catch {
      await audited.end()
      throw error
    }
    await audited.end()
  }
}

extension TestClientProtocol {
  func put(
    _ uri: String, _ body: String?, _ headers: [String: String] = [:], type: String? = "application/json"
  ) async throws -> TestResponse {
    var headers = headers
    if let type { headers["Content-Type"] = type }
    return try await send(.put, uri, headers, body: body)
  }

  func patch(
    _ uri: String, _ body: String, _ headers: [String: String] = [:], type: String? = "application/json"
  ) async throws -> TestResponse {
    var headers = headers
    if let type { headers["Content-Type"] = type }
    return try await send(.patch, uri, headers, body: body)
  }
}
