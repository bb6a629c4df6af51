import Kafka
import Logging
import ObjectStores

/// What the archive's thread keeps of one partition: it takes records in, and gives steps to ``PartitionUploads``.
final class PartitionReader {
  enum State: Equatable {
    /// The store is being asked where the archive stands; nothing is read.
    case recovering
    case reading
    /// `--once` has read up to its end and waits for the last steps.
    case finishing
    case finished
    case stopped(ArchiveStop)
  }

  /// What the loop has to do for it.
  enum Wish: Equatable {
    case nothing
    /// Read again from the offset that is expected.
    case seek
  }

  /// Cuts built and not stored yet, at most, before nothing more is read of the partition.
  static let waitingCutsMax = 2
  /// A silence of more periods has no manifest for each: the next manifest's period says as much.
  static let silentPeriodsMax: Int64 = 1_000

  let place: TopicPartition
  let configuration: ArchiveConfiguration
  private let spool: Spool
  private let packing: PackingThreads
  private let rule: PeriodRule
  let uploads: PartitionUploads
  /// Tells its events from those of a reader that had the partition before.
  let generation: UInt64

  var state = State.recovering
  /// The first offset that is in no cut yet; nil before it is known.
  private(set) var next: Int64?
  /// The open period's index.
  private(set) var period: Int64?
  private(set) var cut: CutWriter?
  private var unfinished: CutRecord?
  private var hole: ClosedRange<Int64>?
  /// Steps given and not done, and how many of them are cuts.
  private(set) var waitingSteps = 0
  private(set) var waitingCuts = 0
  var isPaused = false
  /// Where reading has begun, or begun again, a gap before the first record is looked at twice: it must be the topic's,
  /// and not come from records that were fetched before.
  private var doubt = Doubt.beginning
  /// The rest of the batch at hand was fetched before a seek.
  var skipsBatch = false

  private enum Doubt: Equatable {
    case none, beginning
    case seenBefore(Int64)
  }
  /// Where the partition ends, as last heard.
  var end: Int64?
  /// With `--once`: read up to here.
  var target: Int64?
  /// Time of the first record that is not durable.
  private(set) var oldestWaiting: [Int64] = []
  private var oldestInCut: Int64?
  var failure: String?
  private var serial: UInt64 = 0
  /// Whether the open period has cuts that are in no manifest.
  private var hasOpenCuts = false
  /// Of the record at hand, and of the last one taken.
  private var line = LineBuffer()
  private var lastLine = LineBuffer()
  private var lastOffset: Int64?
  /// What the topic must still hold at its offset before anything more is taken.
  private var comparison: LastRecord?
  private var broker: Int32?

  init(
    place: TopicPartition, configuration: ArchiveConfiguration, spool: Spool, packing: PackingThreads,
    uploads: PartitionUploads, generation: UInt64
  ) {
    self.place = place
    self.configuration = configuration
    self.spool = spool
    self.packing = packing
    self.uploads = uploads
    self.generation = generation
    rule = PeriodRule(
      length: configuration.layout.period, latenessMilliseconds: configuration.latenessMilliseconds)
  }

  /// It is read anew from ``expected``, or may not be where it should.
  func noteSeek(succeeded: Bool) {
    if !succeeded || doubt == .none { doubt = .beginning }
  }

  /// The next offset to be had from the topic.
  var expected: Int64? { comparison?.offset ?? expectedNew }
  private var expectedNew: Int64? { hole.map { $0.upperBound + 1 } ?? next }

  /// Another connection or another broker may have another log: the last record taken is looked at again first.
  func doubtLog() {
    guard state == .reading, comparison == nil, hole == nil, let lastOffset else { return }
    comparison = LastRecord(offset: lastOffset, line: lastLine.bytes)
    doubt = .beginning
  }

  /// All records before this offset have been taken, as the broker said when it was at the partition's end: offsets
  /// without records can lie at the end.
  var reached: Int64 { max(expected ?? 0, seenEnd) }
  private var seenEnd: Int64 = 0

  func noteEnd(_ offset: Int64) {
    guard state == .reading else { return }
    seenEnd = max(seenEnd, offset)
    end = offset
  }

  // MARK: Where it begins

  /// - Parameter start: where to begin when nothing is archived.
  func recover(_ found: ChainRecovery.Found, start: Int64) {
    unfinished = found.unfinished
    next = found.unfinished?.first ?? found.chain.nextOffset ?? start
    hasOpenCuts = !found.chain.cuts.isEmpty
    comparison = found.chain.lastRecord
    period = found.chain.startMilliseconds.flatMap { configuration.layout.period.index(ofMilliseconds: $0) }
    state = .reading
  }

  // MARK: Records

  func take(_ record: ArchivedRecord, nowMilliseconds: Int64) throws(ArchiveError) -> Wish {
    guard state == .reading, !skipsBatch, let next, let expected, record.offset >= expected else { return .nothing }
    if record.offset > expected, doubt != .none, doubt != .seenBefore(record.offset) {
      doubt = .seenBefore(record.offset)
      skipsBatch = true
      return .seek
    }
    doubt = .none
    if let wanted = comparison {
      comparison = nil
      // Behind it: the topic's retention has removed it, and there is nothing to compare.
      if record.offset == wanted.offset { try compare(record, with: wanted) }
    }
    guard let expectedNew, record.offset >= expectedNew else { return .nothing }
    if let unfinished { return try takeAgain(record, unfinished, next) }
    let filed = rule.period(
      of: record.milliseconds, isBrokersClock: record.isBrokersClock, current: period, nowMilliseconds: nowMilliseconds)
    if let open = period, filed > open { try closePeriods(from: open, to: filed) }
    period = filed
    line.removeAll()
    let kind = LineWriter.append(record, to: &line)
    let project = configuration.layout.byProject ? record.project(kind) : nil
    if let cut, configuration.limits.beginsNewCut(lineBytes: line.count, project: project, after: cut.fill) {
      finishCut()
    }
    try append(record, kind, project, period: filed, layout: configuration.layout)
    if let cut, cut.fill.records >= configuration.limits.recordsMax || cut.fill.bytes >= configuration.limits.bytesMax {
      finishCut()
    }
    return .nothing
  }

  /// What retention has removed cannot be looked at again.
  func noteEarliest(_ offset: Int64) {
    if let wanted = comparison, wanted.offset < offset { comparison = nil }
  }

  /// Whether a record comes from another broker than those before it.
  func isFromAnotherBroker(_ record: ConsumedRecord) -> Bool {
    defer { broker = record.brokerID }
    return broker.map { $0 != record.brokerID } ?? false
  }

  private func compare(_ record: ArchivedRecord, with wanted: LastRecord) throws(ArchiveError) {
    line.removeAll()
    _ = LineWriter.append(record, to: &line)
    guard LastRecord(offset: record.offset, line: line.bytes) != wanted else { return }
    throw ArchiveError(
      .conflict,
      "the topic has another record at offset \(record.offset) than the one that was archived: it was made anew, or its "
        + "broker lost records it had acknowledged and gave their offsets to others; archive it to another place")
  }

  /// A record of a cut whose end was decided before.
  private func takeAgain(
    _ record: ArchivedRecord, _ wanted: CutRecord, _ next: Int64
  ) throws(ArchiveError) -> Wish {
    guard record.offset <= wanted.last, let layout = wanted.layout(configuration.layout) else {
      throw ArchiveError(
        .conflict,
        "\(wanted.key.text) decided on an object of offsets \(wanted.first) to \(wanted.last) that was not stored, and "
          + "the topic has no record \(wanted.last) any more. To have the archive go on with what the topic holds, and "
          + "state the rest as lost, remove that object")
    }
    line.removeAll()
    let kind = LineWriter.append(record, to: &line)
    let filed = layout.period.index(ofMilliseconds: wanted.startMilliseconds) ?? 0
    try append(record, kind, layout.byProject ? record.project(kind) : nil, period: filed, layout: layout)
    if record.offset == wanted.last {
      finishCut(isRedone: true)
      unfinished = nil
      period = configuration.layout.period.index(ofMilliseconds: wanted.startMilliseconds)
    }
    return .nothing
  }

  /// Appends a record's line, and before it those of the offsets that are missing.
  private func append(
    _ record: ArchivedRecord, _ kind: LineWriter.Kind, _ project: String?, period: Int64, layout: ArchiveLayout
  ) throws(ArchiveError) {
    let cut = openCut(period: period, layout: layout)
    if oldestInCut == nil { oldestInCut = record.milliseconds }
    try appendHole(to: cut)
    if record.offset > cut.next { try appendStatement(cut.next...record.offset - 1, isHole: false, to: cut) }
    try cut.append(line.bytes, kind, project: project, offset: record.offset, time: record.milliseconds)
    next = cut.next
    lastOffset = record.offset
    swap(&line, &lastLine)
  }

  private func openCut(period: Int64, layout: ArchiveLayout) -> CutWriter {
    if let cut { return cut }
    serial += 1
    let made = CutWriter(
      layout: layout, partition: place.partition, first: next ?? 0, period: period, spool: spool,
      packing: packing, serial: generation << 32 | serial)
    cut = made
    return made
  }

  private func appendHole(to cut: CutWriter) throws(ArchiveError) {
    guard let offsets = hole else { return }
    hole = nil
    try appendStatement(offsets, isHole: true, to: cut)
  }

  private func appendStatement(
    _ offsets: ClosedRange<Int64>, isHole: Bool, to cut: CutWriter
  ) throws(ArchiveError) {
    var statement = LineBuffer(capacity: 128)
    if isHole {
      LineWriter.appendHole(offsets, partition: place.partition, to: &statement)
    } else {
      LineWriter.appendGap(offsets, partition: place.partition, to: &statement)
    }
    try cut.appendStatement(statement.bytes, hole: isHole, offsets: offsets)
  }

  /// The topic has lost what was to be read next: what was read is closed, and the loss opens the next cut.
  func lose(upTo earliest: Int64) throws(ArchiveError) {
    // Gone with what was lost.
    comparison = nil
    guard let next, earliest > next else { return }
    if let unfinished {
      throw ArchiveError(
        .conflict,
        "\(unfinished.key.text) decided on an object that was not stored, and the topic has lost records of it. To have "
          + "the archive go on with what the topic holds, and state the rest as lost, remove that object")
    }
    if cut != nil { finishCut() }
    hole = (hole?.lowerBound ?? next)...(earliest - 1)
  }

  // MARK: Cuts and periods

  private func finishCut(isRedone: Bool = false) {
    guard let open = cut else { return }
    cut = nil
    let pending = open.finish(
      lastRecord: open.lastRecordOffset.map { LastRecord(offset: $0, line: lastLine.bytes) })
    if let oldest = oldestInCut { oldestWaiting.append(oldest) }
    oldestInCut = nil
    hasOpenCuts = true
    submit(.cut(pending, isRedone: isRedone))
  }

  /// Closes the open period and states the silence of those up to `filed`, which is not closed.
  private func closePeriods(from open: Int64, to filed: Int64) throws(ArchiveError) {
    if cut == nil, hole != nil { _ = openCut(period: open, layout: configuration.layout) }
    if let cut { try appendHole(to: cut) }
    next = cut?.next ?? next
    finishCut()
    let isLeap = filed - open > Self.silentPeriodsMax
    // Where silence is not stated, that of the open period is not either: a restart would state another one each time.
    if !isLeap || hasOpenCuts { close(open) }
    if !isLeap {
      for silent in (open + 1)..<max(filed, open + 1) { close(silent) }
    }
    period = filed
  }

  private func close(_ index: Int64) {
    hasOpenCuts = false
    submit(
      .close(startMilliseconds: configuration.layout.period.startMilliseconds(of: index), next: next ?? 0))
  }

  /// The partition's end has been seen at `moment`, by our clock: the periods that were over for long enough then are
  /// closed, for the next record has a later time.
  func closePast(_ moment: Int64) throws(ArchiveError) {
    guard state == .reading, unfinished == nil, let reached = reachedPeriod(moment) else { return }
    guard let open = period else {
      period = reached
      return
    }
    if reached > open { try closePeriods(from: open, to: reached) }
  }

  /// Whether the clock may close something at this moment.
  func isDue(_ moment: Int64) -> Bool {
    guard state == .reading, unfinished == nil, next != nil, let reached = reachedPeriod(moment) else { return false }
    return period.map { reached > $0 } ?? true
  }

  private func reachedPeriod(_ moment: Int64) -> Int64? {
    rule.length.index(ofMilliseconds: max(0, moment - configuration.latenessMilliseconds))
  }

  /// Cuts at the present end and seals what is there.
  func finish(_ moment: Int64) throws(ArchiveError) {
    try closePast(moment)
    let open = period ?? reachedPeriod(moment) ?? 0
    if hole != nil, cut == nil { try appendHole(to: openCut(period: open, layout: configuration.layout)) }
    next = cut?.next ?? next
    finishCut()
    submit(.seal(startMilliseconds: configuration.layout.period.startMilliseconds(of: open), next: next ?? 0))
    uploads.finish()
    state = .finishing
  }

  // MARK: Steps

  private func submit(_ step: PartitionUploads.Step) {
    waitingSteps += 1
    if case .cut = step { waitingCuts += 1 }
    uploads.submit(step)
  }

  func noteDone(isCut: Bool) {
    waitingSteps -= 1
    guard isCut else { return }
    waitingCuts -= 1
    if !oldestWaiting.isEmpty { oldestWaiting.removeFirst() }
  }

  /// Time of the oldest record that was read and is not durable.
  var oldestUnarchived: Int64? { oldestWaiting.first ?? oldestInCut }

  /// Drops what is open: it is in the topic, and the next owner makes the same of it.
  func drop() {
    cut?.discard()
    cut = nil
    uploads.cancel()
  }
}

extension CutRecord {
  /// The layout this cut was made with; nil when its objects' names are not ours.
  func layout(_ present: ArchiveLayout) -> ArchiveLayout? {
    guard let length = try? PeriodLength(seconds: periodSeconds) else { return nil }
    var layout = present
    layout.period = length
    layout.byProject = false
    for object in objects {
      guard let name = ObjectName(object.key) else { return nil }
      layout.compression = name.compression
      if name.project != nil { layout.byProject = true }
    }
    return layout
  }
}
