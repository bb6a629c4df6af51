import ActionStore
import AuditActions
import Foundation
import Logging

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Appends and pages of the store alone, beside a baseline in the same run: the same bytes written to a plain file.
///
/// `StoreBenchmark [ACTIONS]`; 400-byte actions, 1,000 queues, batches of 2,000. Read the ratios.
@main
struct StoreBenchmark {
  static let batchRecords = 2_000
  static let queueCount = 1_000
  static let bodyBytes = 400

  static func main() throws {
    let actions = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 1_000_000
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent("strandline-bench-\(getpid())").path
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let keys = (0..<queueCount).map { Array("project/queue-\($0)".utf8) }
    let filling = String(repeating: "x", count: bodyBytes - 40)
    let body = Array("{\"event\":\"ClaimExpired\",\"details\":{\"p\":\"\(filling)\"}}".utf8)

    let baseline = try measure { try writePlainly(actions, body: body, to: directory + ".plain") }
    try? FileManager.default.removeItem(atPath: directory + ".plain")
    let judged = try measure {
      for _ in 0..<actions { _ = try body.withUnsafeBytes { try ActionBody.validate($0).eventHash(in: $0) } }
    }
    let store = try ActionStore(
      configuration: StoreConfiguration(directory: directory, topic: "bench"), logger: Logger(label: "bench"))
    let appended = try measure { try append(actions, keys: keys, body: body, to: store) }
    report("plain write(), baseline", baseline, actions, baseline)
    report("validate", judged, actions, baseline)
    report("append to the store", appended, actions, baseline)

    for limit in [10, 50] {
      let pages = 20_000
      let read = try measure { try readPages(pages, limit: limit, from: store) }
      report("page of \(limit), head", read, pages, baseline)
    }
    let reopened = try measure {
      try store.close()
      let again = try ActionStore(
        configuration: StoreConfiguration(directory: directory, topic: "bench"), logger: Logger(label: "bench"))
      try again.close()
    }
    report("close and reopen, every checksum verified", reopened, actions, baseline)
  }

  static func append(_ count: Int, keys: [[UInt8]], body: [UInt8], to store: ActionStore) throws {
    let event = eventHash("ClaimExpired")
    for start in stride(from: 0, to: count, by: batchRecords) {
      _ = try store.append { batch in
        body.withUnsafeBytes { body in
          for offset in start..<min(count, start + batchRecords) {
            _ = keys[offset % keys.count].withUnsafeBytes { key in
              batch.add(
                partition: 0, offset: Int64(offset), key: key, timestampMilliseconds: nil, timeToLiveSeconds: 300,
                eventHash: event, body: body)
            }
          }
        }
      }
    }
    try store.maintain()
  }

  static func readPages(_ count: Int, limit: Int, from store: ActionStore) throws {
    var bytes = 0
    for index in 0..<count {
      let queue = try QueueAddress(project: "project", queue: "queue-\(index % queueCount)")
      let page = store.page(of: queue, after: nil, limit: limit)
      for action in page.actions { bytes += action.withBody { $0.count } }
      _ = store.sealer.seal(page.marker, queue: queue)
    }
    precondition(bytes > 0)
  }

  static func writePlainly(_ count: Int, body: [UInt8], to path: String) throws {
    let file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
    defer { close(file) }
    var buffer: [UInt8] = []
    for start in stride(from: 0, to: count, by: batchRecords) {
      buffer.removeAll(keepingCapacity: true)
      for _ in start..<min(count, start + batchRecords) { buffer.append(contentsOf: body) }
      _ = buffer.withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
    }
    fdatasync(file)
  }

  static func measure(_ body: () throws -> Void) rethrows -> (wall: Double, cpu: Double) {
    var usage = rusage()
    func cpu() -> Double {
      getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
      return Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
        + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6
    }
    let (start, startCPU) = (Date(), cpu())
    try body()
    return (Date().timeIntervalSince(start), cpu() - startCPU)
  }

  static func report(
    _ name: String, _ figure: (wall: Double, cpu: Double), _ count: Int, _ baseline: (wall: Double, cpu: Double)
  ) {
    let cpu = figure.cpu / Double(count) * 1e6
    print(
      "\(name): \(String(format: "%.3f", cpu)) µs CPU each, \(String(format: "%.0f", Double(count) / figure.wall))/s, "
        + "\(String(format: "%.1f", figure.cpu / baseline.cpu))× the baseline's CPU")
  }
}
