import AuditActions
import Synchronization

/// What has come of every source's logs: for readers, and for ingest to judge by. In memory; the catalog is its copy on
/// disk.
///
/// After the store lost batches it had, their records are read from the topic again, with numbers that are received
/// already. Below the offsets that were reached before, a number is a duplicate only when it has been read since.
final class SourceLedger: Sendable {
  /// Most logs kept. Beyond that the ones that were silent longest are forgotten; what comes of one then counts as new.
  static let logsMax = 20_000
  /// Most gaps kept of all logs together. Beyond that the log with most of them gives up half of its.
  static let gapsMax = 200_000

  struct State {
    var logs: [SourceLogKey: SourceLog] = [:]
    /// Their names by project, ascending.
    fileprivate var names: [String: [SourceLogKey]] = [:]
    var changed: Set<SourceLogKey> = []
    var removed: Set<SourceLogKey> = []
    /// Up to which offset of a partition is read again.
    var rereadBelow: [Int32: Int64] = [:]
    /// Of all logs together.
    fileprivate var gaps = 0
  }

  private let state: Mutex<State>
  private let missing: MissingIndex

  init(_ state: State = State(), purgePoints: PurgePoints = PurgePoints([:])) {
    missing = MissingIndex(purgePoints: purgePoints)
    self.state = Mutex(State())
    replace(state)
  }

  // MARK: Reading

  /// The logs of a project, of one source if named, that follow on one, ascending. Costs what is asked for, however many
  /// logs there are.
  func logs(
    of project: String, source: String? = nil, after key: SourceLogKey? = nil, limit: Int = .max
  ) -> [(key: SourceLogKey, log: SourceLog)] {
    state.withLock { state in
      guard let names = state.names[project] else { return [] }
      var rest = names[(key.map { names.firstIndex(notBefore: $0, orAt: false) } ?? 0)...]
      if let source {
        let lowest = SourceLogKey(project: project, source: source, log: "")
        rest = rest[max(rest.startIndex, names.firstIndex(notBefore: lowest, orAt: true))...]
          .prefix { $0.source == source }
      }
      return rest.prefix(limit).compactMap { key in state.logs[key].map { (key, $0) } }
    }
  }

  func log(_ key: SourceLogKey) -> SourceLog? { state.withLock { $0.logs[key] } }

  /// What the readers of a queue are told is missing. Waits for nothing when nothing is.
  func missing(of queue: QueueKey) -> MissingNumbers? { missing.statement(of: queue) }

  var rereadBelow: [Int32: Int64] { state.withLock { $0.rereadBelow } }

  // MARK: Writing, one thread

  /// Makes what a batch brought visible.
  func install(_ logs: [SourceLogKey: SourceLog]) {
    guard !logs.isEmpty else { return }
    state.withLock { state in
      for (key, log) in logs {
        state.gaps += log.gaps.count - (state.logs[key]?.gaps.count ?? 0)
        if state.logs.updateValue(log, forKey: key) == nil { state.insert(name: key) }
        state.changed.insert(key)
        state.removed.remove(key)
      }
      state.keepBounds()
    }
    missing.update(logs)
  }

  /// Finds out what has been missing for long enough to be told. Costs nothing when nothing is missing.
  func noteMissing(now: Int64) {
    let logs = state.withLock { $0.gaps > 0 ? $0.logs : [:] }
    if !logs.isEmpty || missing.isStating { missing.refresh(logs, now: now) }
  }

  /// After recovery while running.
  func replace(_ recovered: State) {
    state.withLock { state in
      state = recovered
      state.names = Dictionary(grouping: state.logs.keys, by: \.project).mapValues { $0.sorted() }
      state.gaps = state.logs.values.reduce(0) { $0 + $1.gaps.count }
      state.keepBounds()
    }
  }

  /// What was read again is as far as it was: from here on a number that was received is one that comes again.
  func endRereading(_ standings: [Int32: Standing]) {
    state.withLock { state in
      guard !state.rereadBelow.isEmpty else { return }
      state.rereadBelow = state.rereadBelow.filter { ($0.value > standings[$0.key]?.next ?? 0) }
      guard state.rereadBelow.isEmpty else { return }
      for key in state.logs.keys { state.logs[key]?.reread = SequenceRanges() }
    }
  }

  /// What the next checkpoint writes; given back when it fails.
  struct Changes {
    var logs: [SourceLogKey: SourceLog]
    var removed: Set<SourceLogKey>
    var rereadBelow: [Int32: Int64]

    var isEmpty: Bool { logs.isEmpty && removed.isEmpty }
  }

  func takeChanges() -> Changes {
    state.withLock { state in
      defer {
        state.changed = []
        state.removed = []
      }
      return Changes(
        logs: state.logs.filter { state.changed.contains($0.key) }, removed: state.removed,
        rereadBelow: state.rereadBelow)
    }
  }

  func giveBack(_ changes: Changes) {
    state.withLock { state in
      state.changed.formUnion(changes.logs.keys)
      state.removed.formUnion(changes.removed.filter { state.logs[$0] == nil })
    }
  }
}

extension SourceLedger.State {
  fileprivate mutating func keepBounds() {
    if logs.count > SourceLedger.logsMax { forgetSilent() }
    while gaps > SourceLedger.gapsMax,
      let key = logs.max(by: { $0.value.gaps.count < $1.value.gaps.count })?.key, let count = logs[key]?.gaps.count,
      count > 0
    {
      logs[key]?.forgetGaps(keeping: count / 2)
      gaps -= count - count / 2
      changed.insert(key)
    }
  }

  /// A hundredth at a time, so that finding them costs little on average.
  private mutating func forgetSilent() {
    let silent = logs.sorted { $0.value.lastSeenMilliseconds < $1.value.lastSeenMilliseconds }
      .prefix(logs.count - SourceLedger.logsMax + SourceLedger.logsMax / 100)
    for (key, log) in silent {
      gaps -= log.gaps.count
      logs[key] = nil
      remove(name: key)
      changed.remove(key)
      removed.insert(key)
    }
  }

  fileprivate mutating func insert(name key: SourceLogKey) {
    var names = names.removeValue(forKey: key.project) ?? []
    names.insert(key, at: names.firstIndex(notBefore: key, orAt: true))
    self.names[key.project] = names
  }

  private mutating func remove(name key: SourceLogKey) {
    var names = names.removeValue(forKey: key.project) ?? []
    let index = names.firstIndex(notBefore: key, orAt: true)
    if index < names.count, names[index] == key { names.remove(at: index) }
    if !names.isEmpty { self.names[key.project] = names }
  }
}

extension [SourceLogKey] {
  /// Of an ascending list, by halves: where those begin that are not before `key`, itself included or not.
  fileprivate func firstIndex(notBefore key: SourceLogKey, orAt isIncluded: Bool) -> Int {
    var (low, high) = (startIndex, endIndex)
    while low < high {
      let middle = (low + high) / 2
      if self[middle] < key || (!isIncluded && self[middle] == key) { low = middle + 1 } else { high = middle }
    }
    return low
  }
}

/// What recovery finds in the log.
extension SourceLedger.State {
  /// The store lost batches: what lies below the offsets that had been reached is read again.
  mutating func beginRereading(below standings: [Int32: Standing]) {
    for (partition, standing) in standings { rereadBelow[partition] = max(rereadBelow[partition] ?? 0, standing.next) }
  }

  var isRereading: Bool { !rereadBelow.isEmpty }

  /// What a batch that was kept had received does not come again.
  mutating func keepReread(_ bytes: UnsafeRawBufferPointer, _ frame: SegmentScan.FramePlace) {
    _ = FrameRecord.forEach(in: bytes, frameAt: frame.position, header: frame.header) { record, key, at, count in
      guard record.kind == .source else { return }
      let body = LogQueue.split(UnsafeRawBufferPointer(rebasing: bytes[at..<(at + count)])).record
      guard let (key, numbers) = SourceRecord.decode(project: key, body) else { return }
      logs[key, default: SourceLog(now: record.createdMilliseconds)].noteReread(numbers)
    }
  }

  /// Takes what a batch after the last checkpoint had received.
  mutating func fold(project: UnsafeRawBufferPointer, _ body: UnsafeRawBufferPointer, now: Int64) {
    let (record, queue) = LogQueue.split(body)
    guard let (key, numbers) = SourceRecord.decode(project: project, record) else { return }
    var log = logs.removeValue(forKey: key) ?? SourceLog(now: now)
    log.receive(numbers, now: now)
    log.queue.add(queue)
    logs[key] = log
    changed.insert(key)
  }
  /// Takes the numbers of actions that are stored. For which queues others came is not known then.
  mutating func fold(_ block: NumberBlock, now: Int64) {
    var numbers = SequenceRanges()
    for index in 0..<block.count where block[index].sequence > 0 { numbers.insert(block[index].sequence) }
    var log = logs.removeValue(forKey: block.key) ?? SourceLog(now: now)
    if !log.received.isSuperset(of: numbers) {
      log.receive(numbers, now: now)
      log.queue.add(.several)
    }
    logs[block.key] = log
    changed.insert(block.key)
  }
}
