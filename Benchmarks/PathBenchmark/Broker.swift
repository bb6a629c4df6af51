import Foundation
import Kafka
import Logging

extension PathBenchmark {
  /// The topic of the benchmarks, and the one of its dead letters.
  static let topics = ["audit.actions", "audit.actions.dlq"]

  /// Serves until standard input ends, and so with the process that started it.
  static func serveBroker(partitions: Int32, _ logger: Logger) async throws {
    let broker = try EmbeddedBroker(logger: logger)
    try broker.createTopic(topics[0], partitions: partitions)
    try broker.createTopic(topics[1], partitions: 1)
    FileHandle.standardOutput.write(Data((broker.bootstrapServers + "\n").utf8))
    try await runOnOwnThread(name: "stdin") { () throws -> Void in _ = FileHandle.standardInput.readDataToEndOfFile() }
    await broker.close()
  }
}
