import ActionStore

/// What is looked at of a record to know its log by.
protocol LogRecord {
  var partition: Int32 { get }
  var offset: Int64 { get }
  /// Where it was fetched from.
  var brokerID: Int32 { get }
  var fingerprint: RecordFingerprint { get }
}

/// Sees to it that what is added to a partition follows, in the same log, on what is stored of it.
///
/// Offsets do not tell that. A broker that dies with records it had acknowledged, or an election among replicas that
/// lack them, leaves a log that ends early; it grows beyond the offset the store stands at, and who only asks for the
/// next offset never learns that records are missing before it. Clients of Kafka find out by leader epochs (KIP-320),
/// which librdkafka does before version 2.1 not, and not every broker keeps.
///
/// So whenever another broker, or another connection, could have brought another log, a partition is read again from a
/// little before the end of what is stored, and goes on only when the last record there is the one that was read. A
/// partition that is not the same is refused: what its offsets mean is not known any more.
///
/// What cannot be compared passes: a partition of which retention has removed everything that is stored. The topic must
/// not be compacted, which removes single records.
struct LogContinuity {
  /// How many offsets before the first that is not stored reading begins again: transactions leave some without record.
  static let lookBack: Int64 = 16

  private enum State: Equatable {
    /// Read again from before the end of what is stored; the last record met so far that is stored.
    case comparing(last: RecordFingerprint?)
    /// Everything since the comparison came from this broker; nil before the first record.
    case follows(broker: Int32?)
    /// To be read again from before the end of what is stored.
    case mustGoBack
    /// Another log.
    case refused
  }

  /// What a batch is good for.
  struct Sifted: Equatable {
    /// Records to take, in runs of one partition each.
    var runs: [Range<Int>] = []
    var ends: [Int32: Int64] = [:]
    /// Partitions found to be other ones than those that were read.
    var refused: [Int32] = []
    /// Partitions whose log seems to end before what is stored.
    var short: [Int32] = []
  }

  private var states: [Int32: State] = [:]
  /// Connections opened when all partitions were last known to need comparing.
  private var connections: UInt64 = 0
  private var idleCheck: Interval

  init(idleCheckMilliseconds: Int = 1_000) { idleCheck = Interval(milliseconds: idleCheckMilliseconds) }

  /// Where to read a partition from, to compare.
  static func start(_ standing: Standing) -> Int64 {
    standing.lastRecord.isKnown ? max(0, standing.next - lookBack) : standing.next
  }

  /// Partitions that are read from their ``start(_:)`` from now on.
  mutating func began(_ partitions: some Sequence<Int32>, connections: UInt64) {
    states = [:]
    for partition in partitions { states[partition] = .comparing(last: nil) }
    self.connections = connections
  }

  /// Partitions that are to be sought back to their ``start(_:)``.
  var goingBack: [Int32] { states.filter { $0.value == .mustGoBack }.map(\.key) }

  mutating func wentBack(_ partitions: [Int32]) {
    for partition in partitions { states[partition] = .comparing(last: nil) }
  }

  /// Partitions that are not known to go on where the store stands.
  var uncompared: [Int32] {
    states.filter { if case .follows = $0.value { false } else { true } }.map(\.key).sorted()
  }

  /// Whatever is stored may have become less: every partition is to be sought back.
  mutating func doubt() {
    for (partition, state) in states where state != .refused { states[partition] = .mustGoBack }
  }

  mutating func refuse(_ partition: Int32) { states[partition] = .refused }

  /// Tells what of a batch may be taken.
  ///
  /// - Parameter connections: how many the consumer has opened, asked for after the poll
  mutating func sift<Records: RandomAccessCollection>(
    _ records: Records, ends: [Int32: Int64], connections: UInt64, standings: () -> [Int32: Standing]
  ) -> Sifted where Records.Element: LogRecord, Records.Index == Int {
    guard connections == self.connections else {
      if !records.isEmpty || !ends.isEmpty || idleCheck.isDue { doubtAll(records, ends, connections: connections) }
      return Sifted()
    }
    var sifted = Sifted()
    // Most batches find nothing to compare.
    lazy var stored = standings()
    var start = records.startIndex
    while start < records.endIndex {
      let partition = records[start].partition
      let end = records[start...].firstIndex { $0.partition != partition } ?? records.endIndex
      var rest = start..<end
      if case .comparing(let last) = states[partition] ?? .comparing(last: nil) {
        compare(&rest, of: records, last, with: stored[partition], partition, &sifted)
      }
      if case .follows(let broker) = states[partition] { take(rest, of: records, from: broker, &sifted) }
      start = end
    }
    for (partition, end) in ends {
      if case .comparing(let last) = states[partition] {
        if let standing = stored[partition], end < standing.next {
          sifted.short.append(partition)
        } else {
          decide(partition, last, stored[partition], &sifted)
        }
      }
      if case .follows = states[partition] { sifted.ends[partition] = end }
    }
    return sifted
  }

  /// Nothing of the batch is taken: some of it may have come before, some after, a log was replaced.
  private mutating func doubtAll<Records: RandomAccessCollection>(
    _ records: Records, _ ends: [Int32: Int64], connections: UInt64
  ) where Records.Element: LogRecord {
    let brought = Set(records.lazy.map(\.partition)).union(ends.keys)
    for (partition, state) in states where state != .refused {
      // One of which nothing has come yet has nothing to take back.
      if state != .comparing(last: nil) || brought.contains(partition) { states[partition] = .mustGoBack }
    }
    self.connections = connections
    idleCheck.restart()
  }

  /// Moves past the records that are stored; with the first that is not, the comparison is decided.
  private mutating func compare<Records: RandomAccessCollection>(
    _ rest: inout Range<Int>, of records: Records, _ met: RecordFingerprint?, with standing: Standing?,
    _ partition: Int32, _ sifted: inout Sifted
  ) where Records.Element: LogRecord, Records.Index == Int {
    var last = met
    while let index = rest.first, let standing, records[index].offset < standing.next {
      last = records[index].fingerprint
      rest = (index + 1)..<rest.upperBound
    }
    if rest.isEmpty {
      states[partition] = .comparing(last: last)
    } else {
      decide(partition, last, standing, &sifted)
    }
  }

  private mutating func decide(
    _ partition: Int32, _ last: RecordFingerprint?, _ standing: Standing?, _ sifted: inout Sifted
  ) {
    if let last, let standing, standing.lastRecord.isKnown, last != standing.lastRecord {
      states[partition] = .refused
      sifted.refused.append(partition)
    } else {
      states[partition] = .follows(broker: nil)
    }
  }

  private mutating func take<Records: RandomAccessCollection>(
    _ run: Range<Int>, of records: Records, from broker: Int32?, _ sifted: inout Sifted
  ) where Records.Element: LogRecord, Records.Index == Int {
    guard let first = run.first else { return }
    let broker = broker ?? records[first].brokerID
    let end = records[run].firstIndex { $0.brokerID != broker } ?? run.upperBound
    if end > first { sifted.runs.append(first..<end) }
    states[records[first].partition] = end < run.upperBound ? .mustGoBack : .follows(broker: broker)
  }
}
