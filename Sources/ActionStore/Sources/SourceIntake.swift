package import AuditActions

/// The numbers of one batch on their way into the store: judged against what came before and within the batch, and
/// visible to others only once the batch is stored.
///
/// A value: the same intake may be stored again after a failure.
package struct SourceIntake {
  package enum Verdict: Sendable, Equatable {
    /// The number had not come before, or it is not known any more whether it had: nothing is lost for a memory that
    /// is too short.
    case new
    /// It had: the record is a repetition.
    case duplicate
    /// It had, and the record that came then was another one.
    case conflict
  }

  /// What this batch brought of a log.
  fileprivate struct Arrivals {
    var key: SourceLogKey
    /// As it was before the batch, but for the contents of its latest numbers and the count of duplicates.
    var log: SourceLog
    var numbers = SequenceRanges()
    /// Those of them that were read again.
    var reread = SequenceRanges()
    /// For which queue they came.
    var queue = LogQueue.none
    /// Where the first of them stood.
    var place: (partition: Int32, offset: Int64)?
  }

  /// A record whose number is new: where it stands in the topic, and of what log it is.
  package struct Mark: Sendable {
    package let partition: Int32
    /// Which of the proofs of this batch; below zero: it came without.
    let seal: Int32
    package let offset: Int64
    /// Which of the logs of this batch.
    let arrival: Int
    let sequence: Int64
  }

  /// Those of them that are taken one after the other, in the order in which they were judged.
  package struct Marks {
    fileprivate let marks: [Mark]
    private var next = 0

    fileprivate init(_ marks: [Mark]) { self.marks = marks }

    /// The mark of a record; nil for one without a number, or whose number was not new.
    package mutating func take(partition: Int32, offset: Int64) -> Mark? {
      guard next < marks.count, marks[next].offset == offset, marks[next].partition == partition else { return nil }
      defer { next += 1 }
      return marks[next]
    }
  }

  /// To be asked for every record, in the order in which they were judged.
  package var marks: Marks { Marks(allMarks) }

  private var allMarks: [Mark] = []
  /// What proves those of its records that came with a proof.
  private(set) var seals: [ActionSeal] = []
  private let ledger: SourceLedger
  private let rereadBelow: [Int32: Int64]
  private let now: Int64
  private var arrivals: [Arrivals] = []
  private var places: [SourceLogKey: Int] = [:]

  init(ledger: SourceLedger, now: Int64) {
    self.ledger = ledger
    self.now = now
    rereadBelow = ledger.rereadBelow
  }

  /// - Parameters:
  ///   - queue: the name of the one that the record is for; nil when it is not known.
  ///   - contents: of the record's key and value, to know it again by.
  ///   - offset: at or beyond the partition's next one.
  ///   - seal: what proves it; kept with it, for those it is sent on to.
  package mutating func judge(
    _ origin: ActionOrigin, project: String, queue: String? = nil, contents: RecordContents, partition: Int32,
    offset: Int64, seal: ActionSeal? = nil
  ) -> Verdict {
    let isReread = offset < rereadBelow[partition] ?? .min
    let index = index(of: SourceLogKey(project: project, source: origin.source, log: origin.log))
    let verdict = arrivals[index].judge(origin.sequence, contents, isReread: isReread, at: (partition, offset))
    if verdict == .new {
      if let seal { seals.append(seal) }
      allMarks.append(
        Mark(
          partition: partition, seal: seal == nil ? -1 : Int32(clamping: seals.count - 1), offset: offset,
          arrival: index, sequence: origin.sequence))
      arrivals[index].queue.add(queue.map { .sole($0) } ?? .several)
    }
    return verdict
  }

  private mutating func index(of key: SourceLogKey) -> Int {
    // By far the most frequent: the log of the record before.
    if let last = arrivals.indices.last, arrivals[last].key == key { return last }
    if let known = places[key] { return known }
    arrivals.append(Arrivals(key: key, log: ledger.log(key) ?? SourceLog(now: now)))
    places[key] = arrivals.count - 1
    return arrivals.count - 1
  }

  /// The logs as they are with this batch.
  var logs: [SourceLogKey: SourceLog] {
    Dictionary(
      uniqueKeysWithValues: arrivals.map { item in
        var log = item.log
        log.receive(item.numbers, now: now)
        log.queue.add(item.queue)
        if !item.reread.isEmpty { log.noteReread(item.reread) }
        return (item.key, log)
      })
  }

  /// A log of this batch, and where the first record of it stood.
  func place(of arrival: Int) -> (key: SourceLogKey, place: (partition: Int32, offset: Int64))? {
    arrivals[arrival].place.map { (arrivals[arrival].key, $0) }
  }

  /// What each log received in this batch, for which queue, and where the first of it stood.
  var received: [(key: SourceLogKey, numbers: SequenceRanges, queue: LogQueue, partition: Int32, offset: Int64)] {
    arrivals.compactMap { item in item.place.map { (item.key, item.numbers, item.queue, $0.partition, $0.offset) } }
  }
}

extension SourceIntake.Arrivals {
  fileprivate mutating func judge(
    _ number: Int64, _ contents: RecordContents, isReread: Bool, at place: (Int32, Int64)
  ) -> SourceIntake.Verdict {
    let hasCome =
      isReread
      ? log.reread.contains(number) || reread.contains(number)
      : numbers.contains(number) || log.received.contains(number)
    if hasCome {
      let known = log.recent.checksum(of: number)
      if let known, known != contents.value { return .conflict }
      // Of a number that was given up nobody knows whether it came, but for the latest.
      let isKnown = isReread || known != nil || number >= log.forgottenBelow || numbers.contains(number)
      if isKnown {
        log.duplicates += 1
        return .duplicate
      }
    }
    if isReread { reread.insert(number) }
    log.recent.note(contents.value, of: number)
    numbers.insert(number)
    if self.place == nil { self.place = place }
    return .new
  }
}

/// CRC-32C of a record's key and value, wherever it stands in the topic.
package struct RecordContents: Sendable, Equatable {
  let value: UInt32

  package init(key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) {
    var crc = CRC32C()
    crc.update(key)
    crc.update(value)
    self.value = crc.value
  }
}
