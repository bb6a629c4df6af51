import Foundation
import Synchronization
import Testing

@testable import ActionEmitter

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

@Suite("A spool that is damaged")
struct SpoolDamageTests {
  /// Three files in use, one made ahead, some actions of the first acknowledged.
  private func left(_ fixture: SpoolFixture) throws -> (files: [String: [UInt8]], actions: [Published]) {
    let spool = try fixture.open()
    var count = 0
    while spool.status.filesInUse < 3 {
      try spool.accept("\(count)" + String(repeating: "z", count: 60), key: count % 3 == 0 ? "a/q" : "b/q")
      count += 1
    }
    spool.acknowledge(first: 3)
    defer { spool.letGo() }
    return (try fixture.snapshot(), spool.published)
  }

  /// What is read must be what was accepted, in its order, but for what is lost.
  private func isPart(_ found: [Published], of all: [Published]) -> Bool {
    var rest = all[...]
    for item in found {
      guard let index = rest.firstIndex(of: item) else { return false }
      rest = rest[(index + 1)...]
    }
    return true
  }

  private func read(_ fixture: SpoolFixture) throws -> SpoolFolder.Contents {
    try SpoolFolder(path: fixture.path, disk: SpoolDisk()).read()
  }

  @Test("is not one whose writer was killed in the middle of a record: the log goes on, wherever that was")
  func tornRecord() throws {
    let fixture = SpoolFixture()
    let spool = try fixture.open()
    for number in 0..<3 { try spool.accept("\(number)") }
    let place = try #require(spool.state.withLock { $0.files.last?.end })
    let before = spool.published
    try spool.accept(String(repeating: "y", count: 200))
    spool.letGo()
    let name = try #require(fixture.spoolFiles.first)
    let files = try fixture.snapshot()
    let whole = try #require(files[name])
    let end = try #require(whole.lastIndex { $0 != 0 }) + 1
    for cut in (place + 9)...end {
      try fixture.restore(files)
      var bytes = whole
      for index in (place..<(place + 8)) { bytes[index] = 0 }
      for index in cut..<end { bytes[index] = 0 }
      try fixture.write(bytes, to: name)
      let next = try fixture.open()
      #expect(next.beganBecause == nil && next.published == before)
      try next.accept("after")
      next.letGo()
      let last = try fixture.open()
      #expect(last.beganBecause == nil && last.published.map(\.sequence) == [1, 2, 3, 4])
      #expect(last.published.last?.text == "after")
      last.letGo()
    }
    // One that was finished, and of which the head is gone, is missed when another follows it.
    try fixture.restore(files)
    var bytes = whole
    for index in SpoolFormat.headerBytes..<(SpoolFormat.headerBytes + 8) { bytes[index] = 0 }
    try fixture.write(bytes, to: name)
    let damaged = try fixture.open()
    #expect(damaged.beganBecause == .damaged)
    damaged.letGo()
  }

  @Test("by any byte that changes is noticed")
  func anyByte() throws {
    let fixture = SpoolFixture()
    let (files, _) = try left(fixture)
    #expect(try read(fixture).damage.isEmpty)
    for name in fixture.spoolFiles {
      let whole = try #require(files[name])
      for index in whole.indices where index % 3 == 0 || index < 700 {
        var bytes = whole
        bytes[index] ^= 1 << (index % 8)
        try fixture.write(bytes, to: name)
        let contents = try read(fixture)
        // Behind the last record it may look like one that was begun: then there is nothing that could be lost.
        let isTorn = contents.scans.contains { $0.tail == .torn && $0.end + SpoolFormat.recordHeadBytes == index }
        #expect(!contents.damage.isEmpty || isTorn, "\(name) at \(index)")
      }
      try fixture.write(whole, to: name)
    }
    // Of the progress an older entry may stand in: then some is published again, under the same numbers.
    let whole = try #require(files["progress"])
    for index in whole.indices {
      var bytes = whole
      bytes[index] ^= 0x10
      try fixture.write(bytes, to: "progress")
      let contents = try read(fixture)
      let reached = contents.progress?.acknowledged
      #expect(reached?.file == 1 || !contents.damage.isEmpty, "progress at \(index)")
    }
  }

  @Test("by any byte that changes, or a file cut anywhere or gone, keeps what is readable, and begins one new log")
  func newLog() throws {
    let fixture = SpoolFixture()
    let (files, actions) = try left(fixture)
    let seed = UInt64.random(in: 0...UInt64(UInt32.max))
    var random = SeededRandom(seed: seed)
    for round in 0..<150 {
      try fixture.restore(files)
      let name = fixture.spoolFiles[Int.random(in: 0..<4, using: &random)]
      var bytes = try #require(files[name])
      let place = Int.random(in: 0..<bytes.count, using: &random)
      switch round % 3 {
      case 0: bytes[place] ^= UInt8.random(in: 1...255, using: &random)
      case 1: bytes.removeSubrange(place...)
      default: break
      }
      if round % 3 == 2 {
        // The last one is made ahead: without it, nothing is lacking.
        guard name != fixture.spoolFiles.last else { continue }
        try FileManager.default.removeItem(atPath: fixture.path + "/" + name)
      } else {
        try fixture.write(bytes, to: name)
      }
      try check(fixture, actions, "seed \(seed), round \(round), \(name) at \(place)")
    }
  }

  private func check(_ fixture: SpoolFixture, _ actions: [Published], _ what: String) throws {
    let (logger, lines) = LogKeeper.logger()
    var spool: Spool? = try fixture.open(logger: logger)
    let log = try #require(spool?.logID)
    let old = try #require(actions.first?.log)
    try #require(spool?.beganBecause == .damaged && log != old, "\(what)")
    #expect(lines.all.contains { $0.contains("begins a new log") && $0.contains("damaged") })
    let kept = try #require(spool?.published)
    // At most what one file holds is lost.
    #expect(isPart(kept, of: actions) && kept.count >= actions.count / 4, "\(what): \(kept.count)")
    #expect(spool?.status.pending == kept.count, "\(what)")
    try spool?.accept("new", key: "b/q")
    let all = kept + [Published(log: log, key: "b/q", sequence: 1, text: "new")]
    #expect(spool?.published == all, "\(what)")
    // It is told once, and the new log goes on.
    spool?.letGo()
    spool = try fixture.open()
    try #require(spool?.beganBecause == nil && spool?.logID == log && spool?.published == all, "\(what)")
    spool?.acknowledge(first: all.count)
    try spool?.maintain()
    spool?.letGo()
    spool = try fixture.open()
    #expect(spool?.beganBecause == nil && spool?.status.pending == 0, "\(what)")
    try spool?.accept("newer", key: "b/q")
    #expect(spool?.published.map(\.sequence) == [2], "\(what)")
    spool?.letGo()
  }

  @Test("in its progress alone publishes all it has, which the feed knows by its numbers")
  func progress() throws {
    let fixture = SpoolFixture()
    let (_, actions) = try left(fixture)
    try FileManager.default.removeItem(atPath: fixture.path + "/progress")
    let spool = try fixture.open()
    #expect(spool.beganBecause == .damaged && spool.published.count == actions.count + 3)
    #expect(spool.published.suffix(actions.count) == actions[...])
  }

  @Test("by another program while its process runs loses what was changed, says so, and does not end the process")
  func changedUnderway() throws {
    let fixture = SpoolFixture()
    let (logger, lines) = LogKeeper.logger()
    let spool = try fixture.open(logger: logger)
    for number in 0..<5 { try spool.accept("\(number)") }
    let end = spool.pending()[1].end.position
    let handle = try #require(FileHandle(forUpdatingAtPath: fixture.path + "/" + fixture.spoolFiles[0]))
    try handle.seek(toOffset: UInt64(end + 30))
    try handle.write(contentsOf: Data([0xFF]))
    #expect(spool.published.map(\.text) == ["0", "1"])
    #expect(lines.all.contains { $0.contains("has changed under its process") })
  }

  // MARK: The disk

  private final class Countdown: Sendable {
    private let left: Mutex<Int>
    init(_ calls: Int) { left = Mutex(calls) }
    func fires() -> Bool {
      left.withLock { left in
        left -= 1
        return left == 0
      }
    }
  }

  @Test(
    "whose disk fails at any call either does not open, saying why, or has all that was accepted, then and later",
    arguments: SpoolDisk.Operation.allCases, [ENOSPC, EIO, SpoolDisk.shortWrite])
  func everyCall(operation: SpoolDisk.Operation, number: Int32) throws {
    guard number != SpoolDisk.shortWrite || operation == .write else { return }
    for call in stride(from: 1, through: 22, by: operation == .open || operation == .sync ? 2 : 3) {
      let fixture = SpoolFixture()
      var accepted: [String] = []
      var acknowledged = 0
      for round in 0..<3 {
        let countdown = Countdown(round == 1 ? call : .max)
        var spool: Spool?
        do throws(EmitError) {
          spool = try fixture.open(fault: { $0 == operation && countdown.fires() ? number : nil })
        } catch {
          #expect(error.reason == .spool && error.systemError == number, "\(operation) \(call)")
          spool = try fixture.open()
        }
        guard let spool else { continue }
        try #require(spool.published.map(\.text) == Array(accepted[acknowledged...]), "\(operation) \(call)")
        for index in 0..<40 {
          do throws(EmitError) {
            try spool.accept("\(round)-\(index)" + String(repeating: "w", count: 150))
            accepted.append("\(round)-\(index)" + String(repeating: "w", count: 150))
          } catch {
            #expect(error.reason == .spoolFull)
          }
          if index % 4 == 3 {
            let count = spool.status.pending / 2
            spool.acknowledge(first: count)
            acknowledged += count
          }
          do throws(EmitError) { try spool.maintain() } catch { #expect(error.systemError == number) }
          do throws(EmitError) { try spool.sync() } catch { #expect(error.systemError == number) }
        }
        try #require(spool.published.map(\.text) == Array(accepted[acknowledged...]), "\(operation) \(call)")
        spool.letGo()
      }
      let spool = try fixture.open()
      #expect(spool.beganBecause == nil && spool.published.map(\.text) == Array(accepted[acknowledged...]))
    }
  }

  @Test("on a full disk opens with the room there is, and says that the rest is lacking")
  func littleRoom() throws {
    let fixture = SpoolFixture(filesMax: 6)
    let calls = Mutex(0)
    // Room for the progress and two files.
    let fault: SpoolDisk.Fault = { operation in
      guard operation == .allocate else { return nil }
      return calls.withLock { calls in
        calls += 1
        return calls > 3 ? ENOSPC : nil
      }
    }
    let spool = try fixture.open(fault: fault)
    #expect(fixture.spoolFiles.count == 2)
    var count = 0
    while (try? spool.accept(String(repeating: "v", count: 100))) != nil { count += 1 }
    #expect(count > 10)
    let error = #expect(throws: EmitError.self) { try spool.maintain() }
    #expect(error?.systemError == ENOSPC && error?.hint?.contains("make room") == true)
    calls.withLock { $0 = -100 }
    try spool.maintain()
    try spool.accept("more")
    #expect(spool.published.count == count + 1 && fixture.spoolFiles.count == 6)
  }
}
