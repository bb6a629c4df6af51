import Foundation
import Logging
import Synchronization
import Testing

@testable import strandline

@Suite("Log lines")
struct LoggingTests {
  /// Keeps the lines in memory.
  final class Lines: LogSink {
    private let lines = Mutex<[String]>([])
    func write(_ line: [UInt8]) { lines.withLock { $0.append(String(decoding: line, as: UTF8.self)) } }
    var all: [String] { lines.withLock { $0 } }
  }

  /// A clock moved by hand.
  final class HandClock: Sendable {
    private let passed = Mutex(Duration.zero)
    private let start = ContinuousClock.now
    func advance(by duration: Duration) { passed.withLock { $0 += duration } }
    var now: (Date, ContinuousClock.Instant) {
      (Date(timeIntervalSince1970: 1_795_235_040.5), start.advanced(by: passed.withLock { $0 }))
    }
  }

  private let lines = Lines()
  private let clock = HandClock()

  private func logger(_ form: LineLogHandler.Form) -> Logger {
    Logger(label: "strandline.test") { [lines, clock] label in
      var handler = LineLogHandler(label: label, form: form, level: .info, sink: lines, gate: RepeatGate())
      handler.now = { clock.now }
      return handler
    }
  }

  @Test("a JSON line is one object with time, level, logger, message and metadata")
  func json() throws {
    var logger = logger(.json)
    logger[metadataKey: "node"] = "a"
    logger.info("first \"line\"\n", metadata: ["partition": "3", "list": ["x"]])
    logger.debug("not wanted")
    let line = try #require(lines.all.first)
    #expect(lines.all.count == 1)
    #expect(line.hasSuffix("}\n") && line.dropLast().contains("\n") == false)
    let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
    #expect(object["message"] as? String == "first \"line\"\n")
    #expect(object["level"] as? String == "info")
    #expect(object["logger"] as? String == "strandline.test")
    #expect(object["time"] as? String == "2026-11-21T04:24:00.500Z")
    #expect((object["metadata"] as? [String: Any])?["partition"] as? String == "3")
    #expect((object["metadata"] as? [String: Any])?["node"] as? String == "a")
  }

  @Test("a line for people is one line, whatever is in the message")
  func text() throws {
    logger(.text(Colour(isOn: false))).info("a\nb\u{1B}[2J", metadata: ["key": "two words"])
    #expect(
      lines.all == [#"2026-11-21T04:24:00.500Z info     a\u{a}b\u{1b}[2J key="two words" (strandline.test)"# + "\n"])
  }

  @Test("a repeating fault is written once a second, then with the number of lines held back")
  func repeats() {
    let logger = logger(.text(Colour(isOn: false)))
    for offset in 0..<100 { logger.warning("broker gone at offset \(offset)") }
    #expect(lines.all.count == 1)
    clock.advance(by: .seconds(1))
    logger.warning("broker gone at offset 7")
    #expect(lines.all.count == 2)
    #expect(lines.all.last?.contains("repeated=99") == true)
  }

  @Test("different faults, and what is no fault, do not hold each other back")
  func different() {
    let logger = logger(.text(Colour(isOn: false)))
    logger.warning("one")
    logger.warning("two")
    logger.error("one")
    for _ in 0..<3 { logger.info("progress") }
    #expect(lines.all.count == 6)
  }

  @Test("a flood of faults that all differ is bounded as well")
  func flood() {
    let gate = RepeatGate()
    let now = ContinuousClock.now
    func name(_ number: Int) -> String { String(number, radix: 2).replacing("0", with: "a").replacing("1", with: "b") }
    let admitted = (0..<5_000).filter { gate.admit(name($0), at: now) != nil }
    #expect(admitted.count == RepeatGate.faultsMax + 1)
    #expect(gate.admit("a new one", at: now.advanced(by: .seconds(2))) == 0)
  }
}
