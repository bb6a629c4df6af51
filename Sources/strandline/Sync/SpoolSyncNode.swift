import ActionEmitter
import AuditActions

/// A worker's spool as one of two: the source asks what the node lacks, and sends it.
struct SpoolSyncNode: SyncNode {
  private static let itemsMax = 500
  private static let bytesMax = 4 << 20

  private let items: [SyncLog: [Int64: SpooledActions.Item]]

  /// Reads all of it into memory.
  /// - Throws: what is wrong with the folder.
  init(directory: String) throws(CommandFailure) {
    var items: [SyncLog: [Int64: SpooledActions.Item]] = [:]
    do throws(EmitError) {
      for item in try SpooledActions.read(directory: directory) {
        let log = SyncLog(project: item.queue.project, source: item.origin.source, log: item.origin.log)
        items[log, default: [:]][item.origin.sequence] = item
      }
    } catch {
      throw CommandFailure(.input, "the spool cannot be read: \(error.description)")
    }
    self.items = items
  }

  func logs(of project: String) async throws(SyncFault) -> [SyncLog] { items.keys.filter { $0.project == project } }

  func state(of log: SyncLog) async throws(SyncFault) -> SyncState? {
    guard let items = items[log] else { return nil }
    var state = SyncState()
    for number in items.keys.sorted() { state.received.insert(number) }
    return state
  }

  func receive(_ ranges: SequenceRanges, after: Int64, of log: SyncLog) async throws(SyncFault) -> SyncPage {
    let all = (items[log] ?? [:]).filter { $0.key > after && ranges.contains($0.key) }.sorted { $0.key < $1.key }
    var page = SyncPage(items: [], reached: ranges.highest ?? after, isLast: true)
    var bytes = 0
    for (number, item) in all {
      bytes += item.body.count
      guard page.items.isEmpty || (page.items.count < Self.itemsMax && bytes <= Self.bytesMax) else {
        page.isLast = false
        page.reached = page.items.last?.sequence ?? after
        break
      }
      page.items.append(SyncItem(sequence: number, json: Self.json(item)))
    }
    return page
  }

  /// Without a time: as when a spool is published, its time to live counts from when it arrives.
  private static func json(_ item: SpooledActions.Item) -> [UInt8] {
    var members: [(String, JSONValue)] = [
      ("sequence", .integer(item.origin.sequence)), ("queue", .string(item.queue.queue)),
    ]
    if let seconds = item.timeToLiveSeconds { members.append(("ttl", .integer(Int64(seconds)))) }
    members.append(("body", .raw(item.body)))
    if let seal = item.seal {
      members.append(
        (
          "proof",
          .object(ActionSeal.Part.allCases.compactMap { part in seal[part].map { (part.member, .string($0)) } })
        ))
    }
    return JSONValue.object(members).bytes
  }

  func send(_ items: [SyncItem], to log: SyncLog) async throws(SyncFault) -> SyncAnswer {
    throw SyncFault("a spool takes nothing")
  }

  func raise(_ log: SyncLog, to lowest: Int64) async throws(SyncFault) -> Bool { false }
}
