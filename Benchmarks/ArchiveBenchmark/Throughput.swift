import ActionArchive
import ArchiveBaseline
import Foundation
import Kafka
import Logging
import ObjectStores

/// Rounds in which baselines and archive take turns, so that a slow minute of the machine hits all of them.
struct Throughput {
  let actions: Int
  let partitions: Int
  let rounds: Int
  let asJSON: Bool
  let logger: Logger

  enum Pass: String, CaseIterable {
    case discard = "C, librdkafka: read and throw away"
    case values = "C, librdkafka and zlib: read, gzip the values (baseline)"
    case lines = "C, librdkafka and zlib: read, gzip the archive's lines"
    case gzip = "archive --once, gzip"
    case zstd = "archive --once, zstd"
  }

  struct Figure {
    /// Seconds: by the clock, and of this process's CPU time.
    var wall: Double
    var cpu: Double
  }

  func run() async throws {
    try await Load.withBroker(partitions: partitions) { kafka in
      try await Load.emitElsewhere(actions, to: kafka)
      var figures: [Pass: [Figure]] = [:]
      for round in 0..<rounds {
        // Every other round the other way round.
        for pass in round.isMultiple(of: 2) ? Pass.allCases : Pass.allCases.reversed() {
          figures[pass, default: []].append(try await measure { try await carryOut(pass, kafka) })
        }
      }
      print(table(figures))
      if asJSON { print(json(figures)) }
    }
  }

  private func carryOut(_ pass: Pass, _ kafka: KafkaConfiguration) async throws {
    switch pass {
    case .discard: try await baseline(archive_baseline_nothing, kafka)
    case .values: try await baseline(archive_baseline_values, kafka)
    case .lines: try await baseline(archive_baseline_lines, kafka)
    case .gzip: try await archive(.gzip, kafka)
    case .zstd: try await archive(.zstd, kafka)
    }
  }

  private func baseline(_ content: archive_baseline_content, _ kafka: KafkaConfiguration) async throws {
    let (servers, count) = (kafka.bootstrapServers, actions)
    try await runOnOwnThread(name: "baseline") { () throws -> Void in
      guard archive_baseline(servers, Load.topic, count, content) >= 0 else {
        throw ArchiveError(.notFound, "the baseline has failed")
      }
    }
  }

  private func archive(_ compression: ArchiveCompression, _ kafka: KafkaConfiguration) async throws {
    let place = try ArchivePlace()
    defer { place.remove() }
    let store = try place.open(logger)
    var configuration = ArchiveConfiguration(
      kafka: kafka, layout: ArchiveLayout(topic: Load.topic, compression: compression),
      group: "bench.\(UUID().uuidString)", spool: place.spool)
    configuration.once = true
    let archive = ActionArchive(configuration: configuration, store: store, logger: logger)
    try await archive.run()
    await store.close()
    guard archive.status.actions == UInt64(actions) else { throw ArchiveError(.notFound, "not all was archived") }
  }

  private func measure(_ body: () async throws -> Void) async throws -> Figure {
    func cpu() -> Double {
      var time = timespec()
      clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
      return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
    let (start, startCPU) = (ContinuousClock.now, cpu())
    try await body()
    return Figure(wall: (ContinuousClock.now - start) / .seconds(1), cpu: cpu() - startCPU)
  }

  private func table(_ figures: [Pass: [Figure]]) -> String {
    var lines = [
      "\(actions) actions of \(Load.bodyBytes) bytes, \(partitions) partitions, \(rounds) rounds in turns; medians "
        + "(least to most)",
      "", "| | µs CPU an action | CPU of the baseline | throughput of the baseline |", "| --- | --- | --- | --- |",
    ]
    for pass in Pass.allCases {
      let own = figures[pass] ?? []
      let base = figures[.values] ?? []
      let cost = spread(own.map { $0.cpu / Double(actions) * 1e6 })
      let cpu = spread(zip(own, base).map { $0.cpu / $1.cpu })
      let speed = spread(zip(own, base).map { $1.wall / $0.wall })
      lines.append("| \(pass.rawValue) | \(cost) | \(cpu) × | \(speed) |")
    }
    return lines.joined(separator: "\n")
  }

  private func spread(_ values: [Double]) -> String {
    let sorted = values.sorted()
    guard let least = sorted.first, let most = sorted.last else { return "–" }
    return String(format: "%.2f (%.2f–%.2f)", sorted[sorted.count / 2], least, most)
  }

  /// One line. `ours` and `baseline` are actions a second, the `…CPU` microseconds of CPU time an action.
  private func json(_ figures: [Pass: [Figure]]) -> String {
    let rounds = (0..<rounds).map { round in
      let fields: [(String, Pass, KeyPath<Figure, Double>, Bool)] = [
        ("ours", .gzip, \.wall, true), ("baseline", .values, \.wall, true), ("baselineLines", .lines, \.wall, true),
        ("oursZstd", .zstd, \.wall, true), ("oursCPU", .gzip, \.cpu, false), ("baselineCPU", .values, \.cpu, false),
        ("baselineLinesCPU", .lines, \.cpu, false), ("oursZstdCPU", .zstd, \.cpu, false),
      ]
      let members = fields.map { name, pass, path, isRate in
        let seconds = figures[pass]?[round][keyPath: path] ?? 0
        let value = isRate ? Double(actions) / seconds : seconds / Double(actions) * 1e6
        return "\"\(name)\":\(String(format: "%.3f", value))"
      }
      return "{\(members.joined(separator: ","))}"
    }
    return "{\"benchmark\":\"archive\",\"actions\":\(actions),\"bodyBytes\":\(Load.bodyBytes),\"rounds\":"
      + "[\(rounds.joined(separator: ","))]}"
  }
}

/// A folder for one archive and its spool.
struct ArchivePlace {
  private let folder = FileManager.default.temporaryDirectory.appending(path: "strandline-bench-\(UUID().uuidString)")
  var spool: String { folder.path }

  init() throws {
    try FileManager.default.createDirectory(at: folder.appending(path: "archive"), withIntermediateDirectories: true)
  }

  func open(_ logger: Logger) throws -> any ObjectStore {
    try openObjectStore(
      ObjectStoreConfiguration(url: "file://\(folder.path)/archive", environment: [:]), logger: logger)
  }

  func remove() { try? FileManager.default.removeItem(at: folder) }
}
