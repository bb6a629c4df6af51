import AuditActions
import Foundation
import Testing

@testable import ActionStore

/// Fixtures/store/README.md tells what the directory holds.
@Suite("A data directory of layout version 1")
struct FirstVersionTests {
  private let fixture: StoreFixture
  private let queue: QueueAddress
  private let other: QueueAddress

  init() throws {
    fixture = try StoreFixture(segmentBytesMax: 1 << 10)
    queue = try .test("p/q")
    other = try .test("p/other")
    try Self.restore(to: fixture.directory.path)
  }

  private static func restore(to directory: String) throws {
    let text = try String(
      contentsOf: URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Fixtures/store/directory-version-1.txt"), encoding: .utf8)
    try FileManager.default.createDirectory(atPath: directory + "/segments", withIntermediateDirectories: true)
    var files: [String: [UInt8]] = [:]
    var name = ""
    for line in text.split(separator: "\n") {
      let parts = line.split(separator: " ")
      if parts.count == 3 {
        name = String(parts[1])
        files[name] = [UInt8](repeating: 0, count: try #require(Int(parts[2])))
        continue
      }
      var position = try #require(parts.first.flatMap { Int($0) })
      var digits = try #require(parts.last)
      while let byte = UInt8(digits.prefix(2), radix: 16) {
        files[name]?[position] = byte
        digits = digits.dropFirst(2)
        position += 1
      }
    }
    for (name, bytes) in files { try Data(bytes).write(to: URL(filePath: "\(directory)/\(name)")) }
  }

  private func expect(_ store: ActionStore, sourceLocation: SourceLocation = #_sourceLocation) {
    #expect(
      store.positions(queue).map(\.offset) == [0, 1, 3, 4, 6, 7, 9, 10, 13, 16, 17], sourceLocation: sourceLocation)
    #expect(store.positions(other).map(\.offset) == [2, 5, 8, 11, 15, 18], sourceLocation: sourceLocation)
    for action in store.all(queue) + store.all(other) {
      let body =
        "{\"event\":\"ClaimExpired\",\"details\":{\"at\":\"0-\(action.position.offset)\",\"pad\":\""
        + String(repeating: "x", count: 40) + "\"}}"
      #expect(action.body == Array(body.utf8), sourceLocation: sourceLocation)
    }
    let statistics = store.statistics(of: queue)
    #expect(statistics?.received == 12, sourceLocation: sourceLocation)
    #expect(statistics?.expired == 1, "one came too late", sourceLocation: sourceLocation)
    #expect(store.balance().unbalancedQueues == 0, sourceLocation: sourceLocation)
    #expect(store.nextOffset(of: 0) == 19, sourceLocation: sourceLocation)
  }

  @Test("is read whole, after a crash too, and goes on as one of today's version")
  func isRead() throws {
    var store = try fixture.open()
    expect(store)
    store.verify { _ in true }
    #expect(!store.isDamaged)
    store.abandon()
    let version = try String(contentsOfFile: fixture.directory.path + "/VERSION", encoding: .utf8)
    #expect(version == "\(ActionStore.directoryVersion)\n", "an older Strandline must not go on with it")

    store = try fixture.open()
    expect(store)
    try store.append([Draft(queue: "p/new", offset: 19)])
    try store.maintain()
    try store.close()
    store = try fixture.open()
    #expect(store.positions(try .test("p/new")).map(\.offset) == [19])
    #expect(store.positions(queue).count == 11)
    #expect(store.balance().unbalancedQueues == 0)
    try store.close()
    let names = try FileManager.default.contentsOfDirectory(atPath: fixture.directory.path)
    #expect(!names.contains { $0.contains("damaged") })
    for file in try fixture.directory.files(withSuffix: ".index") {
      #expect(try Data(contentsOf: URL(filePath: file))[8] == UInt8(IndexFile.version), "\(file)")
    }
  }

  /// Its checksums being right, and its segment: what version 1 means by the same bytes is something else.
  @Test("has its indexes built anew, whatever they say")
  func indexes() throws {
    let another = try StoreFixture()
    let today = try StoreFixture()
    for (fixture, queue) in [(another, "p/z"), (today, "p/q")] {
      let store = try fixture.open()
      try store.append((0..<20).map { Draft(queue: queue, offset: $0) })
      try store.close()
      try fixture.open().close()
    }
    let file = try #require(try today.directory.files(withSuffix: ".index").first)
    var index = try Data(
      contentsOf: URL(filePath: try #require(try another.directory.files(withSuffix: ".index").first)))
    index[8] = 1
    try index.write(to: URL(filePath: file))
    let store = try today.open()
    #expect(store.positions(queue).map(\.offset) == Array(0..<20))
    #expect(store.positions(try .test("p/z")) == [])
    try store.close()
  }
}
