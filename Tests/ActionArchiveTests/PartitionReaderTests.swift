import Kafka
import Logging
import ObjectStores
import Synchronization
import Testing

@testable import ActionArchive

@Suite("Taking in records of a partition")
struct PartitionReaderTests {
  /// Gives a reader records of one queue.
  private struct Taker {
    let reader: PartitionReader

    func callAsFunction(_ offset: Int64, event: String = "A") throws -> PartitionReader.Wish {
      let value = Array("{\"event\":\"\(event)\"}".utf8)
      let key = Array("p/q".utf8)
      return try value.withUnsafeBytes { value in
        try key.withUnsafeBytes { key in
          try reader.take(
            ArchivedRecord(
              partition: 0, offset: offset, timestamp: .logAppendTime(milliseconds: ArchiveFixture.time()), key: key,
              value: value, headers: []), nowMilliseconds: ArchiveFixture.time(1))
        }
      }
    }
  }

  private func withReader(
    start: Int64, store: MemoryStore = MemoryStore(), _ body: (PartitionReader, Taker) throws -> Void
  ) async throws -> MemoryStore {
    let fixture = try ArchiveFixture()
    let spool = try Spool(below: fixture.folder)
    let packing = PackingThreads(count: 1)
    let uploads = PartitionUploads(
      partition: 0, configuration: fixture.configuration, store: store, logger: fixture.logger, report: { _ in })
    let place = TopicPartition(topic: ArchiveFixture.topic, partition: 0)
    let reader = PartitionReader(
      place: place, configuration: fixture.configuration, spool: spool, packing: packing, uploads: uploads,
      generation: 1)
    reader.recover(
      try await ChainRecovery(store: store, topic: place.topic, partition: 0).run(), start: start)
    try body(reader, Taker(reader: reader))
    if reader.state == .reading { try reader.finish(ArchiveFixture.time()) }
    await uploads.ended()
    await packing.end()
    spool.remove()
    await fixture.end()
    return store
  }

  @Test("a gap where reading begins is looked at twice, and the rest of the batch is not taken meanwhile")
  func doubtedGap() async throws {
    let store = try await withReader(start: 5) { reader, take in
      try #expect(take(3) == .nothing)
      try #expect(take(7) == .seek)
      reader.noteSeek(succeeded: true)
      try #expect(take(8) == .nothing)
      #expect(reader.next == 5)
      reader.skipsBatch = false
      // The records were there after all.
      for offset in Int64(5)...8 { try #expect(take(offset) == .nothing) }
      #expect(reader.next == 9)
      // In the middle of reading a gap is the topic's.
      try #expect(take(11) == .nothing)
    }
    let lines = try store.lines(try #require(store.lineKeys.first))
    #expect(lines.count == 6)
    #expect(lines[4] == "{\"gap\":{\"from\":9,\"to\":10},\"partition\":0}")
  }

  @Test("a gap that is seen twice is the topic's")
  func confirmedGap() async throws {
    let store = try await withReader(start: 5) { reader, take in
      try #expect(take(7) == .seek)
      reader.noteSeek(succeeded: true)
      reader.skipsBatch = false
      try #expect(take(7) == .nothing)
      #expect(reader.next == 8)
    }
    #expect(
      try store.lines(try #require(store.lineKeys.first)).first == "{\"gap\":{\"from\":5,\"to\":6},\"partition\":0}")
    #expect(ObjectName(try #require(store.lineKeys.first))?.first == 5)
  }

  @Test("what was read before a loss is closed, the loss opens the next object, and a gap may follow it")
  func loss() async throws {
    let store = try await withReader(start: 0) { reader, take in
      for offset in Int64(0)...2 { _ = try take(offset) }
      try reader.lose(upTo: 10)
      #expect(reader.expected == 10)
      try #expect(take(5) == .nothing)
      try reader.lose(upTo: 12)
      reader.noteSeek(succeeded: true)
      try #expect(take(13) == .seek)
      reader.skipsBatch = false
      _ = try take(13)
    }
    #expect(store.lineKeys.map { ObjectName($0)?.first } == [0, 3])
    let lines = try store.lines(store.lineKeys[1])
    #expect(lines[0] == "{\"hole\":{\"from\":3,\"to\":11},\"partition\":0}")
    #expect(lines[1] == "{\"gap\":{\"from\":12,\"to\":12},\"partition\":0}")
    #expect(try store.manifests.last?.holes == [3...11])
  }

  @Test("a loss with nothing behind it is stated all the same")
  func lossAtTheEnd() async throws {
    let store = try await withReader(start: 0) { reader, _ in try reader.lose(upTo: 10) }
    #expect(try store.lines(try #require(store.lineKeys.first)) == ["{\"hole\":{\"from\":0,\"to\":9},\"partition\":0}"])
    #expect(try store.manifests.last?.statement == "no actions in this period, 10 offsets lost by the topic")
    var verification = ArchiveVerification(store: store, keys: [], onFinding: { Issue.record("\($0)") })
    _ = try await verification.run()
  }

  @Test("after a new connection the last record is met again before more is taken, and stands once")
  func sameLog() async throws {
    let store = try await withReader(start: 0) { reader, take in
      for offset in Int64(0)...4 { _ = try take(offset) }
      reader.doubtLog()
      #expect(reader.expected == 4)
      // What is still on its way from before.
      try #expect(take(6) == .seek)
      reader.skipsBatch = false
      for offset in Int64(3)...6 { try #expect(take(offset) == .nothing) }
      #expect(reader.next == 7)
    }
    #expect(try store.lines(try #require(store.lineKeys.first)).count == 7)
  }

  @Test("another record where the last one was is another log: nothing of it is taken", arguments: [false, true])
  func anotherLog(isRestarted: Bool) async throws {
    let store = MemoryStore()
    if isRestarted {
      _ = try await withReader(start: 0, store: store) { _, take in
        for offset in Int64(0)...4 { _ = try take(offset) }
      }
    }
    _ = try await withReader(start: 0, store: store) { reader, take in
      if !isRestarted {
        for offset in Int64(0)...4 { _ = try take(offset) }
        reader.doubtLog()
      }
      #expect(reader.expected == 4)
      #expect { try take(4, event: "B") } throws: { ($0 as? ArchiveError)?.code == .conflict }
      #expect(reader.next == 5)
    }
  }

  @Test("what retention has removed cannot be compared, and is not waited for")
  func removed() async throws {
    let store = MemoryStore()
    for next in [Int64(0), 5] {
      _ = try await withReader(start: 0, store: store) { reader, take in
        reader.noteEarliest(next)
        #expect(reader.expected == next)
        for offset in next...(next + 4) { _ = try take(offset, event: "E\(next)") }
      }
    }
    #expect(store.lineKeys.map { ObjectName($0)?.first } == [0, 5])
  }

  @Test("cuts and manifests from before last records were noted are read as they are")
  func withoutLastRecord() async throws {
    let store = try await withReader(start: 0) { _, take in
      for offset in Int64(0)...4 { _ = try take(offset) }
    }
    var manifest = try #require(store.manifests.last)
    #expect(manifest.lastRecord?.offset == 4)
    #expect(try Manifest(bytes: manifest.bytes) == manifest)
    manifest.lastRecord = nil
    #expect(!String(decoding: manifest.bytes, as: UTF8.self).contains("lastRecord"))
    #expect(try Manifest(bytes: manifest.bytes) == manifest)
  }
}
