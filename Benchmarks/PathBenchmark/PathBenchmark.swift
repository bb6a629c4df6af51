import ActionIngest
import ActionStore
import AuditActions
import Foundation
import Kafka
import Logging

/// The way of an action from a worker to the store, beside baselines in the same run.
///
/// `PathBenchmark [ACTIONS] [PARTITIONS]`. The embedded broker runs in a process of its own, so that memory and CPU are
/// ours alone. Each row is one pass over all actions; read CPU per action and the ratios.
@main
struct PathBenchmark {
  static let topic = "audit.actions"
  static let queueCount = 1_000
  static let bodyBytes = 400

  static func main() async throws {
    var logger = Logger(label: "bench")
    logger.logLevel = .error
    let arguments = Array(CommandLine.arguments.dropFirst())
    if arguments.first == "broker" { return try await serveBroker(partitions: Int32(arguments[1]) ?? 1, logger) }
    let actions = arguments.first.flatMap { Int($0) } ?? 1_000_000
    let partitions = arguments.dropFirst().first ?? "200"

    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    process.arguments = ["broker", partitions]
    let output = Pipe()
    let input = Pipe()
    process.standardOutput = output
    process.standardInput = input
    try process.run()
    defer { process.terminate() }
    let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
    let servers = line.trimmingCharacters(in: .whitespacesAndNewlines)

    let kafka = KafkaConfiguration(bootstrapServers: servers)
    let log = logger
    let emitted = try await measure { try await emit(actions, to: kafka, log) }
    let discarded = try await measure { try await discard(actions, from: kafka, log) }
    let ingested = try await measure { try await ingest(actions, from: kafka, log) }
    report("emit, KafkaProducer.send", emitted, actions, discarded)
    report("consume and discard, baseline", discarded, actions, discarded)
    report("ingest: consume, validate, store", ingested, actions, discarded)
  }

  static func serveBroker(partitions: Int32, _ logger: Logger) async throws {
    let broker = try EmbeddedBroker(logger: logger)
    try broker.createTopic(topic, partitions: partitions)
    try broker.createTopic(topic + ".dlq", partitions: 1)
    FileHandle.standardOutput.write(Data((broker.bootstrapServers + "\n").utf8))
    // Ends with the process that started it.
    try await runOnOwnThread(name: "stdin") { () throws -> Void in _ = FileHandle.standardInput.readDataToEndOfFile() }
    await broker.close()
  }

  static func emit(_ count: Int, to kafka: KafkaConfiguration, _ logger: Logger) async throws {
    let producer = try KafkaProducer(configuration: kafka, logger: logger)
    let keys = (0..<queueCount).map { Array("project/queue-\($0)".utf8) }
    let filling = String(repeating: "x", count: bodyBytes - 40)
    let body = Array("{\"event\":\"ClaimExpired\",\"details\":{\"p\":\"\(filling)\"}}".utf8)
    try await runOnOwnThread(name: "emit") { () throws -> Void in
      for index in 0..<count {
        while true {
          do {
            try producer.send(topic: topic, key: keys[index % queueCount], value: body)
            break
          } catch let error as KafkaError where error.code == KafkaError.Code.queueFull {
            Thread.sleep(forTimeInterval: 0.001)
          }
        }
      }
    }
    let left = await producer.close(flushTimeout: .seconds(60))
    guard left == 0 else { throw KafkaError(code: KafkaError.Code.recordTimedOut) }
  }

  static func discard(_ count: Int, from kafka: KafkaConfiguration, _ logger: Logger) async throws {
    let consumer = try KafkaConsumer(configuration: kafka, logger: logger)
    try await runOnOwnThread(name: "discard") { () throws -> Void in
      let partitions = try consumer.partitions(of: topic, timeout: .seconds(10))
      var starts: [TopicPartition: Start] = [:]
      for partition in partitions { starts[TopicPartition(topic: topic, partition: partition)] = .beginning }
      try consumer.assign(starts)
      var seen = 0
      while seen < count { seen += try consumer.poll(maxRecords: 2_000, timeout: .milliseconds(100)).count }
    }
    await consumer.close()
  }

  static func ingest(_ count: Int, from kafka: KafkaConfiguration, _ logger: Logger) async throws {
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent("strandline-bench-\(getpid())").path
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let store = try ActionStore(
      configuration: StoreConfiguration(directory: directory, topic: topic), logger: logger)
    var configuration = IngestConfiguration(kafka: kafka, topic: topic)
    configuration.defaultTimeToLiveSeconds = 3_600
    let ingest = ActionIngest(configuration: configuration, store: store, logger: logger)
    let task = Task { try await ingest.run() }
    var memory: [Int] = []
    var nextReport = 0
    while true {
      let stored = Int(ingest.status.stored)
      if stored >= nextReport {
        memory.append(residentMiB(anonymousOnly: true))
        nextReport += count / 8
      }
      if stored >= count { break }
      try await Task.sleep(for: .milliseconds(10))
    }
    task.cancel()
    try await task.value
    try store.close()
    print("ingest: \(count) stored; anonymous memory at each eighth, MiB: \(memory)")
  }

  /// Mapped segments belong to the page cache, not to us: the anonymous part is what must not grow.
  static func residentMiB(anonymousOnly: Bool) -> Int {
    let name = anonymousOnly ? "RssAnon:" : "VmRSS:"
    let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix(name) }
    return (line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) } ?? 0) / 1_024
  }

  static func measure(_ body: @Sendable () async throws -> Void) async throws -> (wall: Double, cpu: Double) {
    func cpu() -> Double {
      var time = timespec()
      clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
      return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
    let (start, startCPU) = (Date(), cpu())
    try await body()
    return (Date().timeIntervalSince(start), cpu() - startCPU)
  }

  static func report(
    _ name: String, _ figure: (wall: Double, cpu: Double), _ count: Int, _ baseline: (wall: Double, cpu: Double)
  ) {
    print(
      "\(name): \(String(format: "%.2f", figure.cpu / Double(count) * 1e6)) µs CPU an action, "
        + "\(String(format: "%.0f", Double(count) / figure.wall))/s, "
        + "\(String(format: "%.2f", figure.cpu / baseline.cpu))× the baseline's CPU")
  }
}
