import Foundation
import Kafka
import Logging
import Testing

/// librdkafka's logs and statistics arrive in swift-log and swift-metrics.
@Suite(.timeLimit(.minutes(3))) struct ObservabilityTests {
  @Test func logsArriveWithTheirLevelAndRepeatingOnesAreHeldBack() async throws {
    let lines = RecordedLines()
    let logger = Logger(label: "test") { _ in RecordingLogHandler(lines: lines) }
    let socket = try LoopbackSocket()
    socket.close()
    let producer = try KafkaProducer(
      configuration: KafkaConfiguration(
        bootstrapServers: "127.0.0.1:\(socket.port)",
        properties: ["reconnect.backoff.ms": "1", "reconnect.backoff.max.ms": "2"]),
      logger: logger)
    // Hundreds of attempts to connect; at most a line a second tells of them, and says how many it stands for.
    await until { lines.all.contains { $0.metadata["left_out"] != nil } }
    let failures = lines.all.filter { $0.metadata["facility"] == "FAIL" }
    #expect(failures.contains { $0.level == .error && $0.text.contains("Connection refused") })
    #expect(failures.contains { $0.metadata["left_out"] != nil })
    await producer.close(flushTimeout: .zero)
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
