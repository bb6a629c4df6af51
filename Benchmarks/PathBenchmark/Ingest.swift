import ActionIngest
import ActionStore
import Dispatch
import Kafka
import Logging

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

extension PathBenchmark {
  /// From the first batch that is stored, which is not counted, to the last: connecting and looking up where to begin is
  /// no part of it. The loop in C counts alike.
  static func ingest(
    count: Int, from target: Target, into directory: String, _ logger: Logger
  ) async throws -> Figure {
    let store = try ActionStore(
      configuration: StoreConfiguration(directory: directory, topic: target.topic), logger: logger)
    var configuration = IngestConfiguration(kafka: target.kafka, topic: target.topic)
    configuration.defaultTimeToLiveSeconds = 3_600
    let ingest = ActionIngest(configuration: configuration, store: store, logger: logger)
    let task = Task { try await ingest.run() }
    // Awaited on a thread: the status is looked at each 5 ms, and the cooperative pool is ingest's.
    let figure = try await runOnOwnThread(name: "watch") { () throws(StalledError) in try watch(ingest, count) }
    task.cancel()
    try await task.value
    try store.close()
    return figure
  }

  /// Nothing stored for so long: the topic has fewer records than said.
  private struct StalledError: Error {}
  private static let stallMillisecondsMax = 30_000
  private static let lookMilliseconds = 5

  private static func watch(_ ingest: ActionIngest, _ count: Int) throws(StalledError) -> Figure {
    var figure = Figure()
    var first = 0
    var last = 0
    var idleMilliseconds = 0
    while true {
      let stored = Int(clamping: ingest.status.stored)
      if stored > 0, first == 0 {
        first = stored
        figure.restart()
      }
      if stored >= count { return figure.ended(count: stored - first) }
      idleMilliseconds = stored == last ? idleMilliseconds + lookMilliseconds : 0
      guard idleMilliseconds < stallMillisecondsMax else { throw StalledError() }
      last = stored
      usleep(UInt32(lookMilliseconds) * 1_000)
    }
  }
}
