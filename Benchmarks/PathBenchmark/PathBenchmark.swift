import Kafka
import Logging

/// Strandline's side of the way from a worker to the store; `Baseline/rdkafka.c` is the other.
///
/// | command | what |
/// | --- | --- |
/// | `broker PARTITIONS` | the embedded broker in a process of its own; prints where it listens, ends with its input |
/// | `emit SERVERS TOPIC COUNT` | `ActionEmitter`, fire and forget |
/// | `acked SERVERS TOPIC COUNT IN_FLIGHT` | `ActionEmitter`, so many tasks that each wait for the acknowledgement |
/// | `skip COUNT` | `AuditedQueue`, events that nobody wants |
/// | `lazy SERVERS TOPIC COUNT` | `AuditedQueue`, events that are wanted, their details made in a closure |
/// | `spool DIRECTORY COUNT` | `ActionEmitter` with a spool, no broker |
/// | `ingest SERVERS TOPIC COUNT DIRECTORY` | `ActionIngest` from the beginning of the topic into a new store |
///
/// All but the first print one line: actions counted, wall seconds, CPU seconds of this process, and its anonymous
/// memory at the end in KiB.
@main
struct PathBenchmark {
  static func main() async throws {
    var logger = Logger(label: "bench")
    logger.logLevel = .error
    let arguments = Array(CommandLine.arguments.dropFirst())
    switch (arguments.first, arguments.count) {
    case ("broker", 2):
      try await serveBroker(partitions: Int32(arguments[1]) ?? 1, logger)
    case ("emit", 4):
      try await emit(count: number(arguments[3]), to: Target(arguments), logger).print()
    case ("acked", 5):
      try await emitAcknowledged(
        count: number(arguments[3]), inFlight: number(arguments[4]), to: Target(arguments), logger
      ).print()
    case ("skip", 2):
      try await skip(count: number(arguments[1]), logger).print()
    case ("lazy", 4):
      try await lazy(count: number(arguments[3]), to: Target(arguments), logger).print()
    case ("spool", 3):
      try await spool(count: number(arguments[2]), in: arguments[1], logger).print()
    case ("ingest", 5):
      try await ingest(count: number(arguments[3]), from: Target(arguments), into: arguments[4], logger).print()
    default:
      throw UsageError()
    }
  }

  /// Where the topic is.
  struct Target {
    let kafka: KafkaConfiguration
    let topic: String

    init(_ arguments: [String]) {
      kafka = KafkaConfiguration(bootstrapServers: arguments[1])
      topic = arguments[2]
    }
  }

  struct UsageError: Error {}

  private static func number(_ text: String) throws -> Int {
    guard let number = Int(text), number > 0 else { throw UsageError() }
    return number
  }
}
