import AuditActions
import Kafka
import Synchronization
import Testing

@testable import QueueMetadata

private struct Refused: Error {}

@Suite("Writing queue metadata")
struct WriterTests {
  let queue: QueueAddress

  init() throws { queue = try QueueAddress(project: "p", queue: "q") }

  private func with(
    _ fixture: QueueMetadataFixture,
    _ body: (QueueMetadataReader, QueueMetadataWriter) async throws -> Void
  ) async throws {
    let reader = try fixture.reader()
    reader.start()
    try await eventually("caught up") { reader.isCaughtUp }
    let writer = try QueueMetadataWriter(reader: reader, logger: fixture.logger)
    try await body(reader, writer)
    await writer.close()
    await reader.close()
    await fixture.end()
  }

  private func put(
    _ text: String?, _ writer: QueueMetadataWriter, of queue: QueueAddress? = nil
  ) async throws -> QueueEdit {
    let document = try text.map { try QueueDocument($0.utf8) }
    return try await writer.edit(queue ?? self.queue) { (_) throws(Refused) in document }
  }

  @Test("a change is read back before its author is told")
  func readYourWrite() async throws {
    try await with(try QueueMetadataFixture()) { reader, writer in
      for number in 0..<20 {
        let edit = try await put(#"{"n":\#(number)}"#, writer)
        #expect(reader.entry(of: queue) == edit.after)
        #expect(edit.after?.text == #"{"n":\#(number)}"#)
        #expect((edit.before == nil) == (number == 0))
      }
      let removed = try await put(nil, writer)
      #expect(removed.after == nil)
      #expect(reader.entry(of: queue) == nil)
    }
  }

  @Test("what changes nothing is not written")
  func unchanged() async throws {
    try await with(try QueueMetadataFixture()) { _, writer in
      let first = try await put("{}", writer)
      let second = try await put("{}", writer)
      #expect(second.after?.version == first.after?.version)
      #expect(try await put(nil, writer, of: QueueAddress(project: "p", queue: "none")).after == nil)
    }
  }

  @Test("changes through one node lose none of each other")
  func together() async throws {
    try await with(try QueueMetadataFixture()) { reader, writer in
      await withTaskGroup { group in
        for number in 0..<30 {
          group.addTask { [queue] in
            _ = try? await writer.edit(queue) { (entry) throws(AuditActionError) in
              try (entry?.document ?? .empty).merging(Array(#"{"k\#(number)":\#(number)}"#.utf8))
            }
          }
        }
      }
      let text = reader.entry(of: queue)?.text ?? ""
      for number in 0..<30 { #expect(text.contains(#""k\#(number)":\#(number)"#)) }
    }
  }

  @Test("what another node wrote is read before a change is decided")
  func otherNode() async throws {
    let fixture = try QueueMetadataFixture()
    try await with(fixture) { _, writer in
      for number in 0..<10 {
        try await fixture.send(#"{"theirs":\#(number)}"#, key: "p/q")
        let edit = try await writer.edit(queue) { (entry) throws(AuditActionError) in
          try (entry?.document ?? .empty).merging(Array(#"{"ours":\#(number)}"#.utf8))
        }
        #expect(edit.after?.text == #"{"theirs":\#(number),"ours":\#(number)}"#)
      }
    }
  }

  @Test("a refusal writes nothing and reaches the author")
  func refusal() async throws {
    try await with(try QueueMetadataFixture()) { reader, writer in
      let before = try await put("{}", writer).after
      do {
        _ = try await writer.edit(queue) { (_) throws(Refused) -> QueueDocument? in throw Refused() }
        Issue.record("not refused")
      } catch let error as QueueEditFailure<Refused> {
        guard case .refused = error else {
          Issue.record("another failure: \(error)")
          return
        }
      }
      #expect(reader.entry(of: queue) == before)
    }
  }

  @Test("before the topic is read nothing is changed")
  func unread() async throws {
    let fixture = try QueueMetadataFixture()
    let reader = try fixture.reader()
    let writer = try QueueMetadataWriter(reader: reader, logger: fixture.logger)
    await #expect(throws: QueueEditFailure<Refused>.self) { _ = try await put("{}", writer) }
    await writer.close()
    await reader.close()
    await fixture.end()
  }

  @Test("a broker that is gone is told within the time allowed, and whether the change may have been written")
  func gone() async throws {
    var fixture = try QueueMetadataFixture()
    fixture.configuration.writeTimeout = .seconds(1)
    try await with(fixture) { _, writer in
      await fixture.broker.close()
      do {
        _ = try await put("{}", writer)
        Issue.record("taken without a broker")
      } catch let error as QueueEditFailure<Refused> {
        guard case .unavailable(_, let mayHaveBeenWritten) = error else {
          Issue.record("another failure: \(error)")
          return
        }
        #expect(!mayHaveBeenWritten)
      }
    }
  }

  @Test("turns are given in the order they were asked for, and to no more than may wait")
  func turns() async throws {
    let turns = Turns(waitingMax: 1)
    #expect(await turns.begin())
    async let second = turns.begin()
    try await eventually("the second waits") { turns.waitingCount == 1 }
    #expect(await !turns.begin())
    turns.end()
    #expect(await second)
    turns.end()
    #expect(await turns.begin())
  }
}
