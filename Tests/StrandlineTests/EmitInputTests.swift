import ActionEmitter
import AuditActions
import Foundation
import Testing

@testable import strandline

@Suite("Lines of NDJSON to emit")
struct EmitInputTests {
  private func parse(_ text: String, _ defaults: EmitLine.Defaults = .init()) throws -> EmitLine {
    try Array(text.utf8).withUnsafeBytes { try EmitLine(parsing: $0, defaults: defaults) }
  }

  @Test("a line gives queue, time to live and the body byte for byte")
  func line() throws {
    let line = try parse(#" {"ttl":60,"body":{ "event":"A",  "x":1.0e3 },"queue":"q","project":"p"} "#)
    #expect(line.queue.key == "p/q")
    #expect(line.action.timeToLive?.seconds == 60)
    #expect(String(decoding: line.action.body, as: UTF8.self) == #"{ "event":"A",  "x":1.0e3 }"#)
  }

  @Test("what a line leaves out comes from the flags, and the line is stronger")
  func defaults() throws {
    let defaults = EmitLine.Defaults(project: "fp", queue: "fq", timeToLive: try TimeToLive(seconds: 9))
    let short = try parse(#"{"body":{"event":"A"}}"#, defaults)
    #expect(short.queue.key == "fp/fq" && short.action.timeToLive?.seconds == 9)
    let full = try parse(#"{"project":"p","queue":"q","ttl":60,"body":{"event":"A"}}"#, defaults)
    #expect(full.queue.key == "p/q" && full.action.timeToLive?.seconds == 60)
    #expect(try parse(#"{"project":"p","queue":"q","ttl":null,"body":{"event":"A"}}"#).action.timeToLive == nil)
  }

  @Test(
    "a line that is not what it should be is refused with its reason",
    arguments: [
      ("nonsense", AuditActionError.Code.invalidJSON), ("[1]", .notAnObject), ("{}", .invalidJSON),
      (#"{"project":"p"}"#, .invalidJSON),
      (#"{"project":"p","queue":"q"}"#, .invalidJSON), (#"{"project":"p","queue":"q","body":[]}"#, .notAnObject),
      (#"{"project":"p","queue":"q","body":{}}"#, .missingEvent),
      (#"{"project":"p","queue":"q","body":{"event":""}}"#, .invalidEvent),
      (#"{"project":1,"queue":"q","body":{"event":"A"}}"#, .invalidJSON),
      (#"{"project":"p/","queue":"q","body":{"event":"A"}}"#, .invalidProject),
      (#"{"project":"p","queue":"","body":{"event":"A"}}"#, .invalidQueue),
      (#"{"project":"p","queue":"q","ttl":0,"body":{"event":"A"}}"#, .invalidTimeToLive),
      (#"{"project":"p","queue":"q","ttl":1209601,"body":{"event":"A"}}"#, .invalidTimeToLive),
      (#"{"project":"p","queue":"q","ttl":"60","body":{"event":"A"}}"#, .invalidTimeToLive),
      (#"{"project":"p","queue":"q","ttl":1.5,"body":{"event":"A"}}"#, .invalidTimeToLive),
      (#"{"project":"p","queue":"q","time_to_live":5,"body":{"event":"A"}}"#, .invalidJSON),
      (#"{"project":"p","project":"p","queue":"q","body":{"event":"A"}}"#, .invalidJSON),
      (#"{"project":"p","queue":"q","body":{"event":"A"}} x"#, .invalidJSON),
    ])
  func refused(text: String, code: AuditActionError.Code) {
    let error = #expect(throws: AuditActionError.self) { try parse(text) }
    #expect(error?.code == code, "\(text)")
  }

  @Test("a body as deep as allowed passes, one level more is refused")
  func depth() throws {
    func line(_ levels: Int) -> String {
      let inner = String(repeating: "[", count: levels - 1) + String(repeating: "]", count: levels - 1)
      return #"{"project":"p","queue":"q","body":{"event":"A","x":\#(inner)}}"#
    }
    _ = try parse(line(ActionLimits.depthMax))
    let error = #expect(throws: AuditActionError.self) { try parse(line(ActionLimits.depthMax + 1)) }
    #expect(error?.code == .tooDeep)
  }

  @Test("a body as large as allowed passes, one byte more is refused")
  func size() throws {
    func line(_ bytes: Int) -> String {
      #"{"project":"p","queue":"q","body":{"event":"A","x":"\#(String(repeating: "y", count: bytes - 20))"}}"#
    }
    #expect(try parse(line(ActionLimits.bodyBytesMax)).action.body.count == ActionLimits.bodyBytesMax)
    let error = #expect(throws: AuditActionError.self) { try parse(line(ActionLimits.bodyBytesMax + 1)) }
    #expect(error?.code == .tooLarge)
  }

  private func split(_ text: String, chunk: Int, bytesMax: Int = 100) -> [String] {
    var splitter = LineSplitter(bytesMax: bytesMax)
    var lines: [String] = []
    func note(_ number: Int, _ line: LineSplitter.Line) {
      switch line {
      case .bytes(let bytes): lines.append("\(number):\(String(decoding: bytes, as: UTF8.self))")
      case .tooLong: lines.append("\(number)!")
      }
    }
    let bytes = Array(text.utf8)
    for start in stride(from: 0, to: bytes.count, by: chunk) {
      bytes[start..<min(start + chunk, bytes.count)].withUnsafeBytes { splitter.feed($0, note) }
    }
    splitter.finish(note)
    return lines
  }

  @Test("lines are the same however the input falls into chunks", arguments: [1, 2, 3, 5, 7, 64, 1_000])
  func chunks(size: Int) {
    let text =
      "one\n\ntwo\r\n   \n\(String(repeating: "x", count: 101))\nthree\n\(String(repeating: "y", count: 100))\nlast"
    #expect(
      split(text, chunk: size) == [
        "1:one", "3:two", "5!", "6:three", "7:\(String(repeating: "y", count: 100))", "8:last",
      ])
  }

  @Test("an input without lines gives none, and a line that never ends is too long", arguments: [1, 10, 500])
  func noLines(size: Int) {
    #expect(split("", chunk: size).isEmpty)
    #expect(split("\n\n\n", chunk: size).isEmpty)
    #expect(split(String(repeating: "z", count: 300), chunk: size) == ["1!"])
  }

  @Test("a batch keeps the order within each queue and the numbers of refused lines")
  func batch() {
    var batch = EmitBatch()
    for (number, text) in [
      #"{"queue":"a","body":{"event":"1"}}"#, #"{"queue":"b","body":{"event":"2"}}"#, "bad",
      #"{"queue":"a","body":{"event":"3"}}"#,
    ].enumerated() {
      Array(text.utf8).withUnsafeBytes { batch.add(number + 1, .bytes($0), defaults: .init(project: "p")) }
    }
    batch.add(5, .tooLong, defaults: .init())
    #expect(batch.byQueue.map(\.queue.key) == ["p/a", "p/b"])
    #expect(batch.byQueue.map { $0.entries.map(\.number) } == [[1, 4], [2]])
    #expect(batch.refusals.map(\.number) == [3, 5])
    #expect(batch.refusals.map(\.error.code) == [.invalidJSON, .tooLarge])
  }

  @Test("lines that come steadily, none of them long after the one before, are handed over while they come")
  func steady() async throws {
    var ends: [Int32] = [-1, -1]
    try #require(pipe(&ends) == 0)
    let (reading, writing) = (ends[0], ends[1])
    let input = EmitInput(descriptor: reading, defaults: .init(project: "p", queue: "q"))
    let writer = Task {
      // Fewer lines than fill a batch, at a pace without a pause: an input that waits for one has all of them first.
      let line = Array((#"{"body":{"event":"A"}}"# + "\n").utf8)
      for _ in 0..<Self.steadyLines where !Task.isCancelled {
        _ = write(writing, line, line.count)
        try? await Task.sleep(for: .milliseconds(5))
      }
      close(writing)
    }
    var batches = input.batches.makeAsyncIterator()
    let first = try #require(await batches.next())
    writer.cancel()
    #expect(first.entries.count < Self.steadyLines)
    input.done()
    while await batches.next() != nil { input.done() }
    await writer.value
    close(reading)
  }

  private static let steadyLines = 5_000

  @Test("the report's exit code tells refused lines from lines that Kafka did not take")
  func report() {
    #expect(EmitReport(emitted: 3).status == .success)
    #expect(EmitReport(emitted: 3, refused: 1).status == .data)
    #expect(EmitReport(emitted: 3, refused: 1, failed: 1).status == .unavailable)
    #expect(EmitReport(emitted: 1_234_567).text(seconds: 2) == "1,234,567 emitted (617,283/s), 0 refused, 0 failed")
  }
}
