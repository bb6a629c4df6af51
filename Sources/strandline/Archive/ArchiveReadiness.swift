import ActionArchive
import FeedServer

/// Whether the archive keeps up with the topic.
enum ArchiveReadiness {
  /// Less than this share of the topic's retention left is a warning that somebody should see.
  static let retentionShareMin = 0.1

  static func checks(_ status: ArchiveStatus, nowMilliseconds: Int64) -> [ReadinessCheck] {
    let failure = status.storeFailure ?? status.partitions.values.compactMap(\.failure).first
    let stops = status.partitions.sorted { $0.key < $1.key }.compactMap { partition, facts in
      facts.stop.map { "partition \(partition): \($0.reason)" }
    }
    let left = status.timeToLossMilliseconds(nowMilliseconds: nowMilliseconds)
    let isSafe = left.map { Double($0) > Double(status.retentionMilliseconds ?? 0) * retentionShareMin } ?? true
    return [
      ReadinessCheck(name: "kafka", isReady: status.kafkaFailure == nil, detail: status.kafkaFailure ?? ""),
      ReadinessCheck(name: "store", isReady: failure == nil, detail: failure ?? ""),
      ReadinessCheck(name: "partitions", isReady: stops.isEmpty, detail: stops.joined(separator: "; ")),
      ReadinessCheck(
        name: "retention", isReady: isSafe,
        detail: "the topic loses what is not archived in \(max(0, left ?? 0) / 1_000) s"),
    ]
  }
}
