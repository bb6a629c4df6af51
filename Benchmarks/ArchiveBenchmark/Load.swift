import Foundation
import Kafka
import Logging

/// What is archived, and where it comes from.
enum Load {
  static let topic = "audit.actions"
  static let bodyBytes = 400
  static let queueCount = 1_000

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
        let (key, value) = (Array("project/queue-\(index % queueCount)".utf8), Array(body(index).utf8))
        while true {
          do {
            try producer.send(topic: topic, key: key, value: value)
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

  /// Text that packs as audit records do, not as one repeated letter.
  private static func body(_ index: Int) -> String {
    var body =
      "{\"event\":\"ClaimExpired\",\"details\":{\"message_id\":\"\(UInt64.random(in: 0 ... .max))\",\"claim_id\":"
      + "\"\(UInt64.random(in: 0 ... .max))\",\"ttl\":\(index % 3_600),\"age\":\(index % 997)},\"user\":{\"username\":"
      + "\"worker-\(index % 50)\",\"authenticationProvider\":\"keystone\"},\"message\":\"the claim was not renewed in "
      + "time and its messages are free again; see the queue's own statistics for how often that happens"
    let end = "\"}"
    let missing = bodyBytes - body.utf8.count - end.utf8.count
    if missing > 0 { body += String(repeating: ".", count: missing) }
    return body + end
  }

  /// Starts a process of this program.
  static func start(
    _ arguments: [String], onEnd: (@Sendable () -> Void)? = nil
  ) throws -> (process: Process, output: Pipe, input: Pipe) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    process.arguments = arguments
    let (output, input) = (Pipe(), Pipe())
    process.standardInput = input
    process.standardOutput = output
    // `waitUntilExit` would keep a processor busy.
    if let onEnd { process.terminationHandler = { _ in onEnd() } }
    try process.run()
    return (process, output, input)
  }

  /// Runs the embedded broker in a process of its own around `body`.
  static func withBroker(partitions: Int, _ body: (KafkaConfiguration) async throws -> Void) async throws {
    let (process, output, _) = try start(["broker", "\(partitions)"])
    defer { process.terminate() }
    let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
    try await body(KafkaConfiguration(bootstrapServers: line.trimmingCharacters(in: .whitespacesAndNewlines)))
  }

  /// Emits from a process of its own, and returns when all is acknowledged.
  static func emitElsewhere(_ count: Int, to kafka: KafkaConfiguration) async throws {
    let (ends, end) = AsyncStream.makeStream(of: Void.self)
    let (process, _, _) = try start(["emit", kafka.bootstrapServers, "\(count)"]) { end.finish() }
    for await _ in ends {}
    guard process.terminationStatus == 0 else { throw KafkaError(code: KafkaError.Code.recordTimedOut) }
  }
}
