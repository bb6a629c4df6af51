import ActionArchive
import Foundation
import Kafka
import Logging
import ObjectStores

/// The service beside a producer: what memory it has as the archive grows.
///
/// The embedded broker keeps some 5 MiB a partition and drops the oldest records, so the producer waits for the archive.
struct MemoryRun {
  let actions: Int
  let partitions: Int
  let logger: Logger

  /// Emitted at once; twice as much may be under way.
  private static let portion = 100_000
  private static let objectRecords = 500
  private static let looks = 20
  /// Short: what is sealed is remembered until its period's manifest is written, some 4 KiB an object.
  private static let periodSeconds: Int64 = 10

  func run() async throws {
    try await Load.withBroker(partitions: partitions) { kafka in
      let place = try ArchivePlace()
      defer { place.remove() }
      let store = try place.open(logger)
      var configuration = ArchiveConfiguration(
        kafka: kafka, layout: ArchiveLayout(topic: Load.topic, period: try PeriodLength(seconds: Self.periodSeconds)),
        group: "bench", spool: place.spool)
      configuration.latenessMilliseconds = 1_000
      configuration.limits.recordsMax = Self.objectRecords
      let archive = ActionArchive(configuration: configuration, store: store, logger: logger)
      let service = Task { try await archive.run() }
      var emitted = 0
      var series: [(actions: UInt64, mebibytes: Int)] = []
      while emitted < actions {
        // What is not in an object yet is less than one object a partition.
        let open = partitions * Self.objectRecords
        while Int(clamping: archive.status.actions) < emitted - Self.portion - open {
          try await Task.sleep(for: .milliseconds(20))
        }
        try await Load.emitElsewhere(Self.portion, to: kafka)
        emitted += Self.portion
        if emitted / (actions / Self.looks) > series.count {
          series.append((archive.status.actions, Self.anonymousMiB()))
        }
      }
      service.cancel()
      _ = try? await service.value
      let status = archive.status
      await store.close()
      print("| archived | anonymous memory, MiB |\n| --- | --- |")
      for look in series { print("| \(look.actions) | \(look.mebibytes) |") }
      print(
        "\n\(emitted) emitted, \(status.actions) archived in \(status.objects) objects, \(status.lostOffsets) lost; the "
          + "rest was in open objects when it ended")
    }
  }

  private static func anonymousMiB() -> Int {
    let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix("RssAnon:") }
    return (line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) } ?? 0) / 1_024
  }
}
