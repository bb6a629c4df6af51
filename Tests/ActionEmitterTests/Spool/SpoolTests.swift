import AuditActions
import Foundation
import Synchronization
import Testing

@testable import ActionEmitter

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

@Suite("The spool")
struct SpoolTests {
  @Test("numbers actions from 1, each project by itself, and keeps their order")
  func numbers() throws {
    let fixture = SpoolFixture()
    let spool = try fixture.open()
    for number in 1...5 {
      try spool.accept("a\(number)", key: "a/q")
      try spool.accept("b\(number)", key: "ab/q\(number)")
    }
    let log = spool.logID
    #expect(
      spool.published
        == (1...5).flatMap {
          [
            Published(log: log, key: "a/q", sequence: $0, text: "a\($0)"),
            Published(log: log, key: "ab/q\($0)", sequence: $0, text: "b\($0)"),
          ]
        })
    #expect(spool.status == SpoolStatus(logID: log, pending: 10, filesInUse: 1, beganBecause: .new))
  }

  @Test("has all that was accepted when its process is gone, and its log goes on")
  func outlivesTheProcess() throws {
    let fixture = SpoolFixture()
    var expected: [String] = []
    var log: Int64?
    for round in 0..<6 {
      // Let go of without a word, as by kill -9.
      let spool = try fixture.open()
      #expect(spool.published.map(\.text) == expected && spool.status.pending == expected.count)
      #expect(log == nil || spool.logID == log && spool.beganBecause == nil)
      log = spool.logID
      for number in 0..<4 {
        expected.append("\(round)-\(number)")
        try spool.accept("\(round)-\(number)")
      }
      spool.letGo()
    }
    let spool = try fixture.open()
    #expect(spool.published.map(\.sequence) == Array(1...24))
    spool.acknowledge(first: 24)
    try spool.maintain()
    spool.letGo()
    let last = try fixture.open()
    try last.accept("next")
    #expect(last.published == [Published(log: try #require(log), key: "p/q", sequence: 25, text: "next")])
  }

  @Test("refuses when it is full, says so, and has room again once Kafka has taken a file")
  func full() throws {
    let fixture = SpoolFixture()
    let spool = try fixture.open()
    var count = 0
    var refusal: EmitError?
    while refusal == nil {
      do throws(EmitError) {
        try spool.accept(String(repeating: "x", count: 100))
        count += 1
      } catch { refusal = error }
    }
    #expect(refusal?.reason == .spoolFull && refusal?.isRetriable == true)
    #expect(count > 20 && spool.published.map(\.sequence) == Array(1...Int64(count)))
    #expect(fixture.spoolFiles.count == 4)
    try spool.maintain()
    #expect(throws: EmitError.self) { try spool.accept(String(repeating: "x", count: 100)) }
    spool.acknowledge(first: count / 2)
    try spool.maintain()
    #expect(fixture.spoolFiles.count == 4)
    try spool.accept(String(repeating: "x", count: 100))
    // A refused action takes no number.
    #expect(spool.published.last?.sequence == Int64(count + 1))
    spool.letGo()
    let again = try fixture.open()
    #expect(again.beganBecause == nil && again.published == spool.published)
  }

  @Test("takes an action that fills a file, and refuses one that no file has room for")
  func large() throws {
    let fixture = SpoolFixture()
    let spool = try fixture.open()
    try spool.accept(String(repeating: "x", count: 300))
    let error = #expect(throws: EmitError.self) { try spool.accept(String(repeating: "x", count: 1_900)) }
    #expect(error?.reason == .tooLarge)
    try spool.accept(String(repeating: "x", count: 1_300))
    #expect(spool.published.map(\.sequence) == [1, 2] && spool.status.filesInUse == 2)
  }

  @Test("keeps its log and all that is in it when its files get another size, or become more or fewer")
  func otherSize() throws {
    let fixture = SpoolFixture()
    var expected: [String] = []
    var log: Int64?
    for (round, (fileBytes, filesMax)) in [(2_048, 4), (8_192, 4), (8_192, 12), (2_048, 2), (4_096, 12)].enumerated() {
      fixture.configuration.fileBytes = fileBytes
      fixture.configuration.filesMax = filesMax
      for _ in 0..<2 {
        let spool = try fixture.open()
        #expect(spool.published.map(\.text) == expected)
        #expect(log == nil || (spool.logID == log && spool.beganBecause == nil), "round \(round)")
        log = spool.logID
        for number in 0..<12 {
          let text = "\(round)-\(number)" + String(repeating: "s", count: 20 + (fileBytes / 3) * (number % 2))
          if (try? spool.accept(text)) != nil { expected.append(text) }
        }
        spool.letGo()
      }
    }
    let spool = try fixture.open()
    #expect(spool.published.map(\.text) == expected && expected.count > 30)
    #expect(spool.published.map(\.sequence) == Array(1...Int64(expected.count)))
  }

  @Test("numbers 256 projects and refuses the next, saying what to do")
  func projects() throws {
    let fixture = SpoolFixture(fileBytes: 100_000)
    let spool = try fixture.open()
    for number in 0..<256 { try spool.accept("x", key: "p\(number)/q") }
    let error = #expect(throws: EmitError.self) { try spool.accept("x", key: "one-more/q") }
    #expect(error?.reason == .spool && error?.hint?.isEmpty == false)
    try spool.accept("x", key: "p7/q")
    spool.letGo()
    let again = try fixture.open()
    try again.accept("x", key: "p7/q")
    #expect(again.published.filter { $0.key == "p7/q" }.map(\.sequence) == [1, 2, 3])
  }

  @Test("is one process's at a time")
  func locked() throws {
    let fixture = SpoolFixture()
    let spool = try fixture.open()
    let error = #expect(throws: EmitError.self) { try fixture.open() }
    #expect(error?.reason == .spool && error?.description.contains("another process") == true)
    try spool.accept("x")
  }

  @Test("begins a new log for another source, and publishes what the one before has left under its own name")
  func otherSource() throws {
    let fixture = SpoolFixture()
    var spool: Spool? = try fixture.open(source: "/a")
    try spool?.accept("left")
    let before = spool?.logID
    spool = nil
    let other = try fixture.open(source: "/b")
    #expect(other.beganBecause == .otherSource && other.logID > before ?? .max)
    try other.accept("mine")
    #expect(other.published.map(\.sequence) == [1, 1] && other.published.map(\.log) == [before, other.logID])
  }

  @Test("begins a new log after a power cut, for numbers that were published may be gone; not after an orderly end")
  func powerCut() throws {
    let fixture = SpoolFixture()
    var spool: Spool? = try fixture.open()
    let first = spool?.logID
    try spool?.accept("a")
    try spool?.finish()
    spool = nil
    fixture.boot = [2]
    spool = try fixture.open()
    #expect(spool?.beganBecause == nil && spool?.logID == first)
    try spool?.accept("b")
    spool = nil
    fixture.boot = [3]
    spool = try fixture.open()
    #expect(spool?.beganBecause == .powerCut && spool?.logID != first)
    #expect(spool?.published.map(\.text) == ["a", "b"])
  }

  @Test("agrees with a plain list, whatever is accepted, acknowledged, tidied up and killed in whatever order")
  func model() throws {
    let seed = UInt64.random(in: 0...UInt64(UInt32.max))
    var random = SeededRandom(seed: seed)
    for _ in 0..<12 {
      let fixture = SpoolFixture()
      var spool = try fixture.open()
      let log = spool.logID
      var model: [Published] = []
      var next: [String: Int64] = [:]
      for step in 0..<150 {
        switch Int.random(in: 0..<10, using: &random) {
        case 0..<6:
          let key = ["a/q", "b/q", "b/r"][Int.random(in: 0..<3, using: &random)]
          let text = "\(step)" + String(repeating: "y", count: Int.random(in: 0..<400, using: &random))
          let project = String(key.prefix(1))
          do throws(EmitError) {
            try spool.accept(text, key: key)
            next[project, default: 0] += 1
            model.append(Published(log: log, key: key, sequence: next[project] ?? 0, text: text))
          } catch {
            try #require(error.reason == .spoolFull && fixture.spoolFiles.count == 4, "seed \(seed)")
          }
        case 6, 7:
          let count = Int.random(in: 0...model.count, using: &random)
          spool.acknowledge(first: count)
          model.removeFirst(count)
        case 8: try spool.maintain()
        default:
          if Bool.random(using: &random) { try spool.finish() } else { spool.letGo() }
          spool = try fixture.open()
        }
        try #require(spool.published == model && spool.status.pending == model.count, "seed \(seed), step \(step)")
        try #require(spool.logID == log, "seed \(seed), step \(step)")
      }
    }
  }
}

/// SplitMix64: the same numbers for the same seed, so that a failing case can be run again.
struct SeededRandom: RandomNumberGenerator {
  private var state: UInt64
  init(seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
