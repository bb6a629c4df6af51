import ActionArchive
import AuditActions
import Czlib
import Foundation
import Kafka
import Logging
import ObjectStores

/// The way of an action from the topic into an archive, beside a baseline in the same run: the same consumer, and zlib
/// over the same bytes.
///
/// `ArchiveBenchmark [ACTIONS] [PARTITIONS]`. The embedded broker runs in a process of its own.
@main
struct ArchiveBenchmark {
  static let topic = "audit.actions"
  static let bodyBytes = 400
  static let queueCount = 1_000

  static func main() async throws {
    var logger = Logger(label: "bench")
    logger.logLevel = .error
    let arguments = Array(CommandLine.arguments.dropFirst())
    if arguments.first == "broker" { return try await serveBroker(partitions: Int32(arguments[1]) ?? 1, logger) }
    let actions = arguments.first.flatMap { Int($0) } ?? 1_000_000
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    process.arguments = ["broker", arguments.dropFirst().first ?? "100"]
    let output = Pipe()
    process.standardInput = Pipe()
    process.standardOutput = output
    try process.run()
    defer { process.terminate() }
    let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
    let kafka = KafkaConfiguration(bootstrapServers: line.trimmingCharacters(in: .whitespacesAndNewlines))
    try await emit(actions, to: kafka, logger)
    let log = logger
    let discarded = try await measure { try await read(actions, from: kafka, log) { _ in } }
    let zipped = try await measure {
      let stream = Deflate()
      try await read(actions, from: kafka, log) { stream.add($0) }
      stream.end()
    }
    report("consume and discard", discarded, actions, zipped)
    report("consume and gzip the values, baseline", zipped, actions, zipped)
    for compression in ArchiveCompression.allCases {
      let archived = try await measure { try await archive(actions, kafka, compression, log) }
      report("archive --once, \(compression.rawValue)", archived, actions, zipped)
    }
  }

  static func serveBroker(partitions: Int32, _ logger: Logger) async throws {
    let broker = try EmbeddedBroker(logger: logger)
    try broker.createTopic(topic, partitions: partitions)
    FileHandle.standardOutput.write(Data((broker.bootstrapServers + "\n").utf8))
    // Ends with the process that started it.
    try await runOnOwnThread(name: "stdin") { () throws -> Void in _ = FileHandle.standardInput.readDataToEndOfFile() }
    await broker.close()
  }

  static func emit(_ count: Int, to kafka: KafkaConfiguration, _ logger: Logger) async throws {
    let producer = try KafkaProducer(configuration: kafka, logger: logger)
    try await runOnOwnThread(name: "emit") { () throws -> Void in
      for index in 0..<count {
        // Text that packs as audit records do, not as one repeated letter.
        let body =
          "{\"event\":\"ClaimExpired\",\"details\":{\"message_id\":\"\(UInt64.random(in: 0 ... .max))\",\"claim_id\":"
          + "\"\(UInt64.random(in: 0 ... .max))\",\"ttl\":\(index % 3_600),\"age\":\(index % 997)},\"user\":{\"username\":"
          + "\"worker-\(index % 50)\",\"authenticationProvider\":\"keystone\"},\"message\":\"the claim was not renewed in "
          + "time and its messages are free again; see the queue's own statistics for how often that happens\"}"
        let padded =
          body.utf8.count < bodyBytes ? body + String(repeating: " ", count: bodyBytes - body.utf8.count) : body
        while true {
          do {
            try producer.send(
              topic: topic, key: Array("project/queue-\(index % queueCount)".utf8), value: Array(padded.utf8))
            break
          } catch let error as KafkaError where error.code == KafkaError.Code.queueFull {
            Thread.sleep(forTimeInterval: 0.001)
          }
        }
      }
    }
    guard await producer.close(flushTimeout: .seconds(60)) == 0 else {
      throw KafkaError(code: KafkaError.Code.recordTimedOut)
    }
  }

  static func read(
    _ count: Int, from kafka: KafkaConfiguration, _ logger: Logger,
    _ take: @escaping @Sendable (UnsafeRawBufferPointer) -> Void
  ) async throws {
    var kafka = kafka
    kafka.properties["queued.max.messages.kbytes"] = "65536"
    let consumer = try KafkaConsumer(configuration: kafka, logger: logger)
    try await runOnOwnThread(name: "read") { () throws -> Void in
      let partitions = try consumer.partitions(of: topic, timeout: .seconds(10))
      try consumer.assign(
        Dictionary(
          partitions.map { (TopicPartition(topic: topic, partition: $0), Start.beginning) },
          uniquingKeysWith: { first, _ in first }))
      var seen = 0
      while seen < count {
        let batch = try consumer.poll(maxRecords: 2_000, timeout: .milliseconds(100))
        for record in batch { if let value = record.value { take(value) } }
        seen += batch.count
      }
    }
    await consumer.close()
  }

  static func archive(
    _ count: Int, _ kafka: KafkaConfiguration, _ compression: ArchiveCompression, _ logger: Logger
  ) async throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "strandline-bench-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    try FileManager.default.createDirectory(at: folder.appending(path: "archive"), withIntermediateDirectories: true)
    let store = try openObjectStore(
      ObjectStoreConfiguration(url: "file://\(folder.path)/archive", environment: [:]), logger: logger)
    var configuration = ArchiveConfiguration(
      kafka: kafka, layout: ArchiveLayout(topic: topic, compression: compression),
      group: "bench.\(compression.rawValue)", spool: folder.path)
    configuration.once = true
    configuration.limits.recordsMax = 5_000
    let archive = ActionArchive(configuration: configuration, store: store, logger: logger)
    let watch = Task {
      var memory: [Int] = []
      while !Task.isCancelled {
        memory.append(residentMiB())
        try? await Task.sleep(for: .seconds(1))
      }
      return memory
    }
    try await archive.run()
    watch.cancel()
    guard archive.status.actions == UInt64(count) else { throw ArchiveError(.notFound, "not all was archived") }
    await store.close()
    print("anonymous memory at each second, MiB: \(await watch.value)")
  }

  static func residentMiB() -> Int {
    let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix("RssAnon:") }
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

/// zlib, level 6, output thrown away. Used by one thread.
final class Deflate: @unchecked Sendable {
  private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
  private var buffer = [UInt8](repeating: 0, count: 64 << 10)

  init() {
    stream.initialize(to: z_stream())
    deflateInit2_(stream, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
  }

  func add(_ bytes: UnsafeRawBufferPointer) { run(bytes, Z_NO_FLUSH) }

  func end() {
    run(UnsafeRawBufferPointer(start: nil, count: 0), Z_FINISH)
    deflateEnd(stream)
    stream.deallocate()
  }

  private func run(_ bytes: UnsafeRawBufferPointer, _ flush: Int32) {
    stream.pointee.next_in = UnsafeMutablePointer(mutating: bytes.baseAddress?.assumingMemoryBound(to: UInt8.self))
    stream.pointee.avail_in = UInt32(clamping: bytes.count)
    repeat {
      buffer.withUnsafeMutableBufferPointer { room in
        stream.pointee.next_out = room.baseAddress
        stream.pointee.avail_out = UInt32(clamping: room.count)
        deflate(stream, flush)
      }
    } while stream.pointee.avail_out == 0
  }
}
