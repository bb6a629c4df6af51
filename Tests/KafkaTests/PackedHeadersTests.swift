import Kafka
import Testing

@Suite struct PackedHeadersTests {
  private static let pairs: [(StaticString, [UInt8])] = [
    ("ce_id", Array("1".utf8)), ("ttl", []), ("ce_id", [0, 255, 0]), ("é", Array(repeating: 7, count: 70_000)),
    ("x", Array("last".utf8)),
  ]

  @Test func headersInOnePieceArriveAsAListOfThemWould() async throws {
    let broker = try EmbeddedBroker()
    try broker.createTopic("actions", partitions: 1)
    let producer = try KafkaProducer(configuration: broker.configuration)
    // Without room for them at first.
    var packed = PackedHeaders(capacity: 0)
    for (name, value) in Self.pairs { value.withUnsafeBytes { packed.append(name, $0) } }
    #expect(packed.count == 5)
    #expect(packed.contentBytes == 5 + 1 + 3 + 5 + 3 + 2 + 70_000 + 1 + 4)
    for headers in [packed, PackedHeaders(capacity: 100)] {
      try producer.send(topic: "actions", key: [1], value: [2], packedHeaders: headers) { report in
        #expect(failureCode(report) == nil)
      }
    }
    let consumer = try KafkaConsumer(configuration: broker.configuration)
    try consumer.assign([TopicPartition(topic: "actions", partition: 0): .beginning])
    let records = try await read(2, from: consumer)
    #expect(records.first?.headers == Self.pairs.map { KafkaHeader(key: "\($0)", value: $1) })
    #expect(records.last?.headers == [])
    #expect(await producer.close(flushTimeout: .seconds(5)) == 0)
    await consumer.close()
    await broker.close()
  }
}
