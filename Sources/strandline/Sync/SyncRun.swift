import AuditActions

/// In which direction something goes: push is from the first node to the second.
enum SyncMode: String, CaseIterable, Sendable {
  case push, pull, pushpull, none

  var pushes: Bool { self == .push || self == .pushpull }
  var pulls: Bool { self == .pull || self == .pushpull }
}

enum SyncDirection: String, Sendable { case push, pull }

/// Brings the logs of two nodes together: asks both what they have, and sends what one of them lacks.
///
/// Nothing is remembered between runs: what failed is lacking still, and is sent by the next one.
struct SyncRun<First: SyncNode, Second: SyncNode>: Sendable {
  /// Most ranges that are asked for at once: as text they fit a request's target.
  static var rangesMax: Int { 500 }

  let first: First
  let second: Second
  var mode = SyncMode.push
  var lowestMode = SyncMode.none
  let project: String
  /// Only logs of this source; nil: all.
  var source: String?
  var log: String?
  /// Whether what both have is read from both and held against each other.
  var compares = false

  /// - Returns: whether everything that was lacking is there now, or has gone, and no number was found to be two actions'.
  /// - Throws: `SyncFault` when one of them cannot say which logs it has.
  func run(_ tell: (SyncEvent) throws -> Void) async throws -> Bool {
    let names = Set(try await first.logs(of: project)).union(try await second.logs(of: project))
    var isWhole = true
    for name in names.sorted() where (source ?? name.source) == name.source && (log ?? name.log) == name.log {
      let events: [SyncEvent]
      do throws(SyncFault) { events = try await synchronise(name) } catch {
        isWhole = false
        try tell(.failed(name, error.description))
        continue
      }
      for event in events {
        if !event.isWhole { isWhole = false }
        try tell(event)
      }
    }
    return isWhole
  }

  private func synchronise(_ log: SyncLog) async throws(SyncFault) -> [SyncEvent] {
    let known = (try await first.state(of: log), try await second.state(of: log))
    var states = (known.0 ?? SyncState(), known.1 ?? SyncState())
    let lowest = (states.0.lowest, states.1.lowest)
    if lowestMode.pushes { states.1.lowest = max(lowest.0, lowest.1) }
    if lowestMode.pulls { states.0.lowest = max(lowest.0, lowest.1) }
    var events: [SyncEvent] = []
    // What is sent below need not be compared: it is the same.
    if compares, let comparison = await compare(log, states) { events.append(.compared(comparison)) }
    if mode.pushes {
      let transfer = try await transfer(states.0.lacking(in: states.1), .push, log, from: first, to: second)
      if let transfer { events.append(.transferred(transfer)) }
    }
    if mode.pulls {
      let transfer = try await transfer(states.1.lacking(in: states.0), .pull, log, from: second, to: first)
      if let transfer { events.append(.transferred(transfer)) }
    }
    // A log that has just been sent to is known there a moment later: by then it is the next run's.
    if states.1.lowest > lowest.1, try await second.raise(log, to: states.1.lowest) {
      events.append(.raised(log, .push, states.1.lowest))
    }
    if states.0.lowest > lowest.0, try await first.raise(log, to: states.0.lowest) {
      events.append(.raised(log, .pull, states.0.lowest))
    }
    return events
  }

  /// Nil when nothing was lacking. What goes wrong on the way ends it, and is told with what went before.
  private func transfer(
    _ wanted: SequenceRanges, _ direction: SyncDirection, _ log: SyncLog, from: some SyncNode, to: some SyncNode
  ) async throws(SyncFault) -> SyncTransfer? {
    guard !wanted.isEmpty else { return nil }
    var transfer = SyncTransfer(log: log, direction: direction, wanted: wanted)
    var seen = SequenceRanges()
    do throws(SyncFault) {
      try await read(wanted, of: log, from: from) { (items) throws(SyncFault) in
        for item in items { seen.insert(item.sequence) }
        transfer.take(try await to.send(items, to: log))
      } asked: {
        transfer.asked = transfer.asked.union($0)
      }
    } catch {
      transfer.fault = error.description
    }
    transfer.gone = transfer.asked.subtracting(seen)
    return transfer
  }

  /// Reads what a node can still give of some numbers, page by page.
  /// - Parameters:
  ///   - take: what is done with a page that has something in it.
  ///   - asked: told what was asked for to its end.
  func read(
    _ wanted: SequenceRanges, of log: SyncLog, from node: some SyncNode,
    _ take: ([SyncItem]) async throws(SyncFault) -> Void, asked: (SequenceRanges) -> Void = { _ in }
  ) async throws(SyncFault) {
    for start in stride(from: 0, to: wanted.ranges.count, by: Self.rangesMax) {
      var part = SequenceRanges()
      for range in wanted.ranges[start..<min(wanted.ranges.count, start + Self.rangesMax)] { part.insert(range) }
      var after: Int64 = 0
      while true {
        let page = try await node.receive(part, after: after, of: log)
        if !page.items.isEmpty { try await take(page.items) }
        if page.isLast { break }
        guard page.reached > after else { throw SyncFault("the node does not get further than number \(after)") }
        after = page.reached
      }
      asked(part)
    }
  }
}
