import ActionArchive
import Foundation
import Kafka
import Logging

/// The way of an action from the topic into an archive on file, beside baselines in the same run.
///
///     ArchiveBenchmark [ACTIONS] [PARTITIONS] [--rounds 5] [--json]
///     ArchiveBenchmark memory [ACTIONS] [PARTITIONS]
///
/// The first measures throughput and CPU; the second runs the service beside a producer until all is archived, and shows
/// what memory it has at each twentieth of the way. The embedded broker and the producer run in processes of their own.
@main
struct ArchiveBenchmark {
  static func main() async {
    do {
      try await run()
    } catch {
      FileHandle.standardError.write(Data("ArchiveBenchmark: \(error)\n".utf8))
      exit(1)
    }
  }

  private static func run() async throws {
    var logger = Logger(label: "bench")
    logger.logLevel = .error
    var arguments = Array(CommandLine.arguments.dropFirst())
    let asJSON = take("--json", from: &arguments)
    let rounds = takeNumber("--rounds", from: &arguments) ?? 5
    func number(_ index: Int, _ standard: Int) -> Int {
      arguments.dropFirst(index).first.flatMap { Int($0) } ?? standard
    }
    switch arguments.first {
    case "broker": try await Load.serveBroker(partitions: Int32(clamping: number(1, 1)), logger)
    case "emit": try await Load.emit(number(2, 0), to: KafkaConfiguration(bootstrapServers: arguments[1]), logger)
    case "memory":
      try await MemoryRun(actions: number(1, 5_000_000), partitions: number(2, 100), logger: logger).run()
    default:
      try await Throughput(
        actions: number(0, 1_000_000), partitions: number(1, 100), rounds: max(1, rounds), asJSON: asJSON,
        logger: logger
      ).run()
    }
  }

  private static func take(_ flag: String, from arguments: inout [String]) -> Bool {
    guard let index = arguments.firstIndex(of: flag) else { return false }
    arguments.remove(at: index)
    return true
  }

  private static func takeNumber(_ flag: String, from arguments: inout [String]) -> Int? {
    guard let index = arguments.firstIndex(of: flag), index + 1 < arguments.count else { return nil }
    defer { arguments.removeSubrange(index...index + 1) }
    return Int(arguments[index + 1])
  }
}
