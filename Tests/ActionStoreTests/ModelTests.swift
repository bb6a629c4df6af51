import AuditActions
import Foundation
import Testing

@testable import ActionStore

/// The store against a plain model of it: random interleavings of appends (several partitions, several queues, mixed
/// TTLs, rejected records, holes in the topic), time passing and being set, maintenance, kills, restarts, rebuilds from
/// the topic, partitions being added, and readers at every limit, strict ones among them.
///
/// `TEST_SEED` repeats a run; a failure prints the seed.
@Suite("The store and a plain model of it")
struct ModelTests {
  static let stepsPerRun = 26_000

  @Test("agree after every step", arguments: 0..<4)
  func agreement(run: Int) throws {
    let given = ProcessInfo.processInfo.environment["TEST_SEED"].flatMap { UInt64($0) }
    let seed = given.map { $0 &+ UInt64(run) } ?? UInt64.random(in: 0...UInt64(UInt32.max))
    print("model run \(run): TEST_SEED=\(seed &- UInt64(run))")
    var world = try StoreWorld(seed: seed)
    for step in 0..<Self.stepsPerRun {
      try world.step()
      if let problem = world.problem {
        Issue.record("seed \(seed), run \(run), step \(step): \(problem)")
        return
      }
    }
    #expect(world.actionsRead > Self.stepsPerRun / 10)
    #expect(world.plainPages > 0)
    #expect(world.lossesTold > Self.stepsPerRun / 100)
  }
}

/// What became of a record, as anybody can work it out.
private struct ModelRecord {
  var draft: Draft
  /// In the store's time.
  var created: Int64
  var isRejected = false
  var hasExpiredOnArrival = false

  func isLive(at now: Int64) -> Bool {
    !isRejected && !hasExpiredOnArrival && created + Int64(draft.timeToLive) * 1_000 > now
  }
}

/// One queue's records of one partition, in order.
private struct ModelPart {
  var records: [ModelRecord] = []
  /// How many of the first are rejected, up to each.
  var rejectedBefore: [Int] = [0]
  /// The store began to count here.
  var base = 0
  /// Nothing before this can be alive.
  var dead = 0
  /// How far readers have come, and how many had expired before.
  var reached = 0
  var expiredUnread = 0
  var checkpointed = (reached: 0, expiredUnread: 0)

  mutating func add(_ record: ModelRecord) {
    records.append(record)
    rejectedBefore.append((rejectedBefore.last ?? 0) + (record.isRejected ? 1 : 0))
  }

  mutating func forgetDead(at now: Int64) {
    while dead < records.count, !records[dead].isLive(at: now) { dead += 1 }
  }

  func rejected(_ range: Range<Int>) -> Int { rejectedBefore[range.upperBound] - rejectedBefore[range.lowerBound] }

  /// How many of a range have expired.
  func expired(_ range: Range<Int>, at now: Int64) -> Int {
    guard !range.isEmpty else { return 0 }
    let certain = max(0, min(dead, range.upperBound) - range.lowerBound)
    let rest = max(range.lowerBound, dead)
    let live = rest < range.upperBound ? records[rest..<range.upperBound].count { $0.isLive(at: now) } : 0
    return certain + max(0, range.upperBound - rest) - live - rejected(range)
  }

  func firstLive(from start: Int, at now: Int64) -> Int? {
    records.indices.dropFirst(max(start, dead)).first { records[$0].isLive(at: now) }
  }

  func live(at now: Int64) -> Int { records[dead...].count { $0.isLive(at: now) } }
}

private struct ModelReader {
  var queue: String
  var marker: Marker?
  /// How many records of each partition lie behind it.
  var passed: [Int32: Int] = [:]
  /// By partition.
  var toldHoles: [Int32: Set<Int64>] = [:]
  /// Partitions in which its marker's counts are of a store that was lost.
  var foreign: Set<Int32> = []
}

private struct StoreWorld {
  private var random: SeededGenerator
  private let fixture: StoreFixture
  private var store: ActionStore
  private var parts: [String: [Int32: ModelPart]] = [:]
  private var nextOffset: [Int32: Int64] = [:]
  private var holes: [Hole] = []
  private var partitions: Int32 = 1
  private var readers: [ModelReader] = []
  private(set) var problem: String?
  private(set) var actionsRead = 0
  private(set) var plainPages = 0
  private(set) var lossesTold = 0

  private var steps = 0
  /// One partition and no hole at first: plain pages are of such stores.
  private static let calmSteps = 3_000
  private static let queues = ["p/a", "p/b", "p/c", "x/a"]
  private static let timesToLive: [Int32] = [1, 20, 60, 60, 300, 301, 900]

  init(seed: UInt64) throws {
    random = SeededGenerator(seed: seed)
    fixture = try StoreFixture(segmentBytesMax: 4_000)
    store = try fixture.open()
  }

  mutating func step() throws {
    steps += 1
    switch Int.random(in: 0..<10_000, using: &random) {
    case ..<3_000: try append()
    case ..<4_000: fixture.clock.advance(milliseconds: .random(in: 1...8_000, using: &random))
    case ..<4_100: fixture.clock.advance(seconds: .random(in: 1...200, using: &random))
    case ..<4_120: fixture.clock.step(milliseconds: .random(in: -60_000...60_000, using: &random))
    case ..<4_620: try maintain()
    case ..<4_640: try restart(isKilled: true)
    case ..<4_650: try restart(isKilled: false)
    case ..<4_655: try rebuild()
    case ..<4_670: if steps > Self.calmSteps { partitions = min(partitions + 1, 5) }
    case ..<4_700: if steps > Self.calmSteps { try lose() }
    case ..<5_000: checkStatistics()
    case ..<5_400: beginReader()
    case ..<5_800: checkItem()
    default: read()
    }
  }

  private var now: Int64 { store.nowMilliseconds() }

  // MARK: Writing

  private mutating func append() throws {
    var batch: [(draft: Draft, isRejected: Bool)] = []
    let now = self.now
    // A millisecond is how clocks are read, not how they are set.
    let ahead = now - fixture.clock.nowMilliseconds()
    let lead = ahead > 1 ? ahead : 0
    for _ in 0..<Int.random(in: 1...12, using: &random) {
      let partition = Int32.random(in: 0..<partitions, using: &random)
      // Offsets are not dense: transactions leave holes.
      let offset = nextOffset[partition, default: 0] + (Int.random(in: 0..<10, using: &random) == 0 ? 3 : 0)
      let wall = fixture.clock.nowMilliseconds()
      let draft = Draft(
        queue: Self.queues.randomElement(using: &random) ?? "p/a", partition: partition, offset: offset,
        timeToLive: Self.timesToLive.randomElement(using: &random) ?? 300,
        timestamp: Bool.random(using: &random) ? wall : wall + .random(in: -30_000...30_000, using: &random))
      batch.append((draft, Int.random(in: 0..<30, using: &random) == 0))
      nextOffset[partition] = offset + 1
    }
    try append(batch)
    for (draft, isRejected) in batch {
      let created = min((draft.timestamp ?? now) + lead, now)
      var record = ModelRecord(draft: draft, created: created, isRejected: isRejected)
      record.hasExpiredOnArrival = !isRejected && created + Int64(draft.timeToLive) * 1_000 <= now
      parts[draft.queue, default: [:]][draft.partition, default: ModelPart()].add(record)
    }
  }

  private func append(_ batch: [(draft: Draft, isRejected: Bool)]) throws {
    _ = try store.append { writer in
      for (draft, isRejected) in batch {
        var key = draft.queue
        var body = draft.body
        key.withUTF8 { key in
          body.withUTF8 { body in
            let key = UnsafeRawBufferPointer(key)
            if isRejected {
              writer.reject(partition: draft.partition, offset: draft.offset, key: key, reason: "invalid_json")
            } else {
              writer.add(
                partition: draft.partition, offset: draft.offset, key: key, timestampMilliseconds: draft.timestamp,
                timeToLiveSeconds: draft.timeToLive, eventHash: eventHash(draft.event),
                body: UnsafeRawBufferPointer(body))
            }
          }
        }
      }
    }
  }

  /// The topic loses records before they are read.
  private mutating func lose() throws {
    let partition = Int32.random(in: 0..<partitions, using: &random)
    guard let from = nextOffset[partition] else { return }
    let to = from + .random(in: 1...20, using: &random)
    try store.recordHole(partition: partition, to: to)
    holes.append(
      Hole(partition: partition, from: from, to: to, reason: .topicRetention, recordedMilliseconds: now))
    nextOffset[partition] = to
  }

  private mutating func maintain() throws {
    try store.maintain()
    forEachPart { part in part.checkpointed = (part.reached, part.expiredUnread) }
  }

  private mutating func forEachPart(_ change: (inout ModelPart) -> Void) {
    for queue in parts.keys {
      for partition in parts[queue, default: [:]].keys {
        change(&parts[queue, default: [:]][partition, default: ModelPart()])
      }
    }
  }

  // MARK: Starting anew

  private mutating func restart(isKilled: Bool) throws {
    catchUpWall()
    if isKilled { store.abandon() } else { try store.close() }
    store = try fixture.open()
    forEachPart { part in
      if isKilled { (part.reached, part.expiredUnread) = part.checkpointed }
      part.checkpointed = (part.reached, part.expiredUnread)
    }
    for partition in 0..<partitions where store.nextOffset(of: partition) != nextOffset[partition] {
      problem = "partition \(partition) goes on at another offset after a restart"
    }
    func sorted(_ holes: [Hole]) -> [Hole] { holes.sorted { ($0.partition, $0.from) < ($1.partition, $1.from) } }
    if sorted(store.holes) != sorted(holes) { problem = "the holes are others after a restart" }
  }

  /// A store whose time is ahead of the wall clock may fall back by a moment when it is killed: not what this is about.
  private func catchUpWall() {
    fixture.clock.step(milliseconds: max(0, now - fixture.clock.nowMilliseconds()))
  }

  /// The store is lost. A new one reads what can still be alive, and no longer knows of holes.
  private mutating func rebuild() throws {
    catchUpWall()
    let now = self.now
    store.abandon()
    let segments = fixture.directory.path
    for name in try FileManager.default.contentsOfDirectory(atPath: segments) where name != "sealing.key" {
      try FileManager.default.removeItem(atPath: "\(segments)/\(name)")
    }
    store = try fixture.open()
    holes = []
    forEachPart { part in part.forgetDead(at: now) }
    var first: [Int32: Int64] = [:]
    for part in parts.values.joined() {
      guard let record = part.value.records.dropFirst(part.value.dead).first else { continue }
      first[part.key] = min(first[part.key] ?? .max, record.draft.offset)
    }
    var again: [(draft: Draft, isRejected: Bool)] = []
    for queue in parts.keys {
      for partition in parts[queue, default: [:]].keys {
        var part = parts[queue, default: [:]][partition, default: ModelPart()]
        let start = first[partition] ?? .max
        part.base = part.records.firstIndex { $0.draft.offset >= start } ?? part.records.count
        for index in part.records.indices.dropFirst(part.base) {
          let record = part.records[index]
          // The topic has the time as the broker stamped it: what the store made of it is the same.
          var draft = record.draft
          draft.timestamp = record.created
          again.append((draft, record.isRejected))
          part.records[index].hasExpiredOnArrival = !record.isRejected && !record.isLive(at: now)
        }
        part.reached = part.base
        part.expiredUnread = 0
        part.checkpointed = (part.base, 0)
        parts[queue]?[partition] = part
      }
    }
    again.sort { ($0.draft.offset, $0.draft.partition) < ($1.draft.offset, $1.draft.partition) }
    for start in stride(from: 0, to: again.count, by: 100) { try append(Array(again[start...].prefix(100))) }
    let ends = nextOffset
    _ = try store.append { writer in for (partition, end) in ends { writer.advance(partition: partition, to: end) } }
    for index in readers.indices { readers[index].foreign = Set(readers[index].passed.keys) }
  }

  // MARK: Reading

  private mutating func beginReader() {
    if readers.count > 20 { readers.removeFirst() }
    readers.append(ModelReader(queue: Self.queues.randomElement(using: &random) ?? "p/a"))
  }

  private mutating func read() {
    guard !readers.isEmpty else { return beginReader() }
    let index = Int.random(in: 0..<readers.count, using: &random)
    var reader = readers[index]
    guard let queue = try? QueueAddress.test(reader.queue) else { return }
    let limit = Int.random(in: 1...50, using: &random)
    let isStrict = Int.random(in: 0..<5, using: &random) == 0
    let page = store.page(of: queue, after: reader.marker, limit: limit, stopsAtGaps: isStrict)
    if !isStrict { compareWays(QueueKey(queue.key), after: reader.marker, limit: limit) }
    let now = self.now
    forEachPart { part in part.forgetDead(at: now) }
    var ends: [Int32: Int] = [:]
    for action in page.actions {
      let partition = action.position.partition
      let part = parts[reader.queue]?[partition] ?? ModelPart()
      let start = ends[partition] ?? start(of: reader, partition, part)
      guard let next = part.firstLive(from: start, at: now), matches(action, part.records[next]) else {
        problem = "\(action.position) comes out of turn, or is not what was stored"
        return
      }
      ends[partition] = next + 1
    }
    actionsRead += page.actions.count
    check(page, limit: limit, isStrict: isStrict, ends: ends, reader: &reader, now: now)
    // A marker lives outside the process: it is sealed and opened again.
    let text = store.sealer.seal(page.marker, queue: queue)
    reader.marker = try? store.sealer.openMarker(text, queue: queue)
    readers[index] = reader
  }

  /// A plain page is the one that is found by looking at everything.
  private mutating func compareWays(_ key: QueueKey, after marker: Marker?, limit: Int) {
    guard let plain = store.plainPage(of: key, after: marker, limit: limit) else { return }
    plainPages += 1
    let whole = store.wholePage(of: key, after: marker, limit: limit, events: [], stopsAtGaps: false)
    let isSame =
      plain.actions.map(\.position) == whole.actions.map(\.position) && plain.marker == whole.marker
      && whole.gaps.isEmpty && plain.gaps.isEmpty && plain.isExhausted == whole.isExhausted
    if !isSame { problem = "the plain page of \(limit) after \(String(describing: marker)) is not the whole one" }
  }

  private func start(of reader: ModelReader, _ partition: Int32, _ part: ModelPart) -> Int {
    // Who was never in the partition is told of what this store has counted.
    max(reader.passed[partition] ?? 0, reader.marker?.entry(of: partition) == nil ? part.base : 0)
  }

  private func matches(_ action: StoredAction, _ record: ModelRecord) -> Bool {
    action.position.offset == record.draft.offset && action.text == record.draft.body
      && action.createdMilliseconds == record.created
  }

  private mutating func check(
    _ page: Page, limit: Int, isStrict: Bool, ends: [Int32: Int], reader: inout ModelReader, now: Int64
  ) {
    if isStrict, !page.actions.isEmpty, !page.gaps.isEmpty { problem = "a strict page has actions and gaps" }
    if !isStrict, page.actions.count < limit, !page.isExhausted { problem = "a page ended early" }
    // A strict page that ended at a gap has gone past that one only, up to the next live action.
    let isWhole = page.isExhausted && !(isStrict && !page.actions.isEmpty)
    var told: [Int32: [Gap]] = Dictionary(grouping: page.gaps, by: \.partition)
    for (partition, part) in parts[reader.queue] ?? [:] {
      let start = start(of: reader, partition, part)
      var end = ends[partition] ?? start
      let gaps = told.removeValue(forKey: partition) ?? []
      if isWhole {
        if part.firstLive(from: end, at: now) != nil { problem = "an exhausted page left something" }
        end = part.records.count
      } else if isStrict, page.actions.isEmpty, !gaps.isEmpty {
        end = part.firstLive(from: start, at: now) ?? part.records.count
      }
      let isForeign = reader.foreign.contains(partition)
      checkLoss(gaps, part, start..<max(start, end), isForeign: isForeign, now)
      checkHoles(gaps, partition, part, isWhole: isWhole, end: end, reader: &reader)
      if let entry = page.marker.entry(of: partition), entry.ordinal != Marker.Entry.uncounted {
        reader.foreign.remove(partition)
      }
      // A place that is not counted here moves nothing.
      if end > start || !reader.foreign.contains(partition) {
        raise(reader.queue, partition, start: start, end: end, isUncounted: gaps.contains { $0.isUncounted }, now: now)
      }
      if end > start || page.marker.entry(of: partition) != nil { reader.passed[partition] = max(start, end) }
    }
    for partition in Set(holes.map(\.partition)) where parts[reader.queue]?[partition] == nil {
      checkHoles(told[partition] ?? [], partition, ModelPart(), isWhole: isWhole, end: 0, reader: &reader)
    }
    if told.values.joined().contains(where: { $0.reason == .expired || $0.reason == .rejected }) {
      problem = "a loss is told of a partition where the queue has nothing"
    }
  }

  private mutating func checkLoss(
    _ gaps: [Gap], _ part: ModelPart, _ range: Range<Int>, isForeign: Bool, _ now: Int64
  ) {
    let expired = part.expired(range, at: now)
    let rejected = part.rejected(range)
    let count = gaps.filter { $0.reason == .expired }.reduce(UInt64(0)) { $0 + ($1.count ?? 0) }
    let rejectedCount = gaps.filter { $0.reason == .rejected }.reduce(UInt64(0)) { $0 + ($1.count ?? 0) }
    if gaps.contains(where: \.isUncounted) {
      if !isForeign { problem = "a gap is not counted for a reader of this store" }
      if count > UInt64(expired) { problem = "\(count) told of \(expired) expired" }
    } else if count != UInt64(expired) || rejectedCount != UInt64(rejected) {
      problem = "told \(count) expired and \(rejectedCount) rejected, not \(expired) and \(rejected)"
    }
    lossesTold += gaps.count
  }

  private mutating func checkHoles(
    _ gaps: [Gap], _ partition: Int32, _ part: ModelPart, isWhole: Bool, end: Int, reader: inout ModelReader
  ) {
    let told = Set(gaps.filter { $0.reason == .topicRetention }.map(\.from))
    let isNew = reader.marker?.entry(of: partition) == nil
    if !isNew, !told.isDisjoint(with: reader.toldHoles[partition] ?? []) { problem = "a hole is told twice" }
    let last = end > 0 ? part.records[end - 1].draft.offset : -1
    for hole in holes where hole.partition == partition && !told.contains(hole.from) {
      let isPassed = isWhole || hole.to <= last
      let start = reader.marker?.entry(of: partition)?.offset ?? -1
      if isPassed, start < hole.to - 1 { problem = "a hole is not told" }
    }
    reader.toldHoles[partition, default: []].formUnion(told)
  }

  private mutating func raise(
    _ queue: String, _ partition: Int32, start: Int, end: Int, isUncounted: Bool, now: Int64
  ) {
    guard var part = parts[queue]?[partition], end > part.reached else { return }
    let from = max(part.reached, start)
    if isUncounted {
      // What the reader lost before the first action it got is nobody's count.
      let first = part.firstLive(from: start, at: now) ?? end
      part.expiredUnread += part.expired(max(from, min(first, end))..<end, at: now)
    } else if from < end {
      part.expiredUnread += part.expired(from..<end, at: now)
    }
    part.reached = end
    parts[queue]?[partition] = part
  }

  // MARK: Statistics and items

  private mutating func checkStatistics() {
    let now = self.now
    forEachPart { part in part.forgetDead(at: now) }
    for key in Self.queues {
      guard let queue = try? QueueAddress.test(key), let own = parts[key], let found = store.statistics(of: queue)
      else { continue }
      var expected = (received: 0, live: 0, rejected: 0, unread: 0)
      for part in own.values {
        expected.received += part.records.count - part.base
        expected.live += part.live(at: now)
        expected.rejected += part.rejected(part.base..<part.records.count)
        expected.unread += part.expiredUnread + part.expired(part.reached..<part.records.count, at: now)
      }
      let got = (Int(found.received), Int(found.live), Int(found.rejected), Int(found.expiredUnread))
      if got != expected {
        problem = "\(key) has \(got) received, live, rejected and unread, not \(expected)"
        for facts in store.view.look(at: QueueKey(key)).facts {
          let part = own[facts.group.partition] ?? ModelPart()
          problem? +=
            "; partition \(facts.group.partition): \(facts.frontier.now), not "
            + "\(part.reached - part.base) and \(part.expiredUnread)"
        }
      }
      if !found.isBalanced { problem = "the counts of \(key) do not add up: \(found)" }
    }
  }

  private mutating func checkItem() {
    guard let (key, byPartition) = parts.randomElement(using: &random),
      let part = byPartition.values.randomElement(using: &random), let queue = try? QueueAddress.test(key),
      let record = part.records.suffix(300).randomElement(using: &random)
    else { return }
    let position = ActionPosition(partition: record.draft.partition, offset: record.draft.offset)
    let found = store.action(at: position, in: queue)
    let expected = record.isLive(at: now) ? record.draft.body : nil
    if found?.text != expected { problem = "\(position) is not what it should be" }
  }
}

extension Gap {
  fileprivate var isUncounted: Bool { count == nil && (reason == .expired || reason == .rejected) }
}
