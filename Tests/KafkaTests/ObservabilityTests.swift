import Foundation
import Logging
import Testing

@testable import Kafka

/// librdkafka's logs and statistics arrive in swift-log and swift-metrics.
@Suite(.timeLimit(.minutes(3))) struct ObservabilityTests {
  @Test func logsArriveWithTheirLevelAndFacility() async throws {
    let lines = RecordedLines()
    let logger = Logger(label: "test") { _ in RecordingLogHandler(lines: lines) }
    let socket = try LoopbackSocket()
    socket.close()
    let producer = try KafkaProducer(
      configuration: KafkaConfiguration(bootstrapServers: "127.0.0.1:\(socket.port)"), logger: logger)
    func isThere() -> Bool {
      lines.all.contains { line in
        line.metadata["facility"] == "FAIL" && line.level == .error && line.text.contains("Connection refused")
      }
    }
    await until { isThere() }
    #expect(isThere())
    await producer.close(flushTimeout: .zero)
  }

  @Test func ofARepeatingLineOneASecondIsWrittenAndSaysHowManyItStandsFor() {
    let lines = RecordedLines()
    let relay = LogRelay(logger: Logger(label: "test") { _ in RecordingLogHandler(lines: lines) })
    let start = ContinuousClock.now
    for tenth in 0..<25 {
      relay.relay(level: .error, facility: "FAIL", text: "\(tenth)", now: start + .milliseconds(100 * tenth))
    }
    relay.relay(level: .warning, facility: "OTHER", text: "other", now: start)
    relay.relay(level: .debug, facility: "OTHER", text: "not wanted", now: start + .seconds(9))
    #expect(lines.all.map(\.text) == ["0", "10", "20", "other"])
    #expect(lines.all.map { $0.metadata["left_out"] } == [nil, "9", "9", nil])
  }

  @Test func statisticsTellLagAndBrokers() async throws {
    // Before the clients: a metric belongs to the factory that was in force when it was made.
    let metrics = RecordedMetrics.shared
    let broker = try EmbeddedBroker()
    try broker.createTopic("observed", partitions: 1)
    let partition = TopicPartition(topic: "observed", partition: 0)
    let configuration = KafkaConfiguration(
      bootstrapServers: broker.bootstrapServers, properties: ["statistics.interval.ms": "50"])
    let producer = try KafkaProducer(configuration: configuration)
    for number in 0..<10 {
      _ = try await producer.sendAcknowledged(topic: "observed", key: nil, value: [UInt8(number)])
    }
    let consumer = try KafkaConsumer(configuration: configuration)
    try consumer.assign([partition: .beginning])
    try await confirmLag(0, of: consumer)
    #expect(consumer.statistics?.brokersUp == 1)
    await until { producer.statistics?.brokers.values.contains { $0.roundTrip != nil } == true }
    #expect(producer.statistics?.queuedRecords == 0)
    await until { metrics.value("strandline_kafka_consumer_lag", "observed") == 0 }
    #expect(metrics.value("strandline_kafka_consumer_lag", "observed") == 0)
    #expect(metrics.value("strandline_kafka_brokers_up", "consumer") == 1)
    #expect(metrics.value("strandline_kafka_producer_delivered_records_total", nil).map { $0 >= 10 } == true)
    await consumer.close()
    await producer.close(flushTimeout: .seconds(10))
    await broker.close()
  }

  private func confirmLag(_ lag: Int64, of consumer: KafkaConsumer) async throws {
    _ = try await read(10, from: consumer)
    await until { consumer.statistics?.topics["observed"]?.partitions["0"]?.lag == lag }
    #expect(consumer.statistics?.topics["observed"]?.partitions["0"]?.lag == lag)
  }
}
