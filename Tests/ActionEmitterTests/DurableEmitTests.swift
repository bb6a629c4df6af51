import AuditActions
import Foundation
import Kafka
import Metrics
import Synchronization
import Testing

@testable import ActionEmitter

@Suite("Work that must not happen without its audit record")
struct DurableEmitTests {
  struct WorkFailed: Error {}

  let broker: EmbeddedBroker
  let queue: QueueAddress
  let action = Action.messageDeleted(messageID: "m")

  init() throws {
    broker = try EmbeddedBroker()
    queue = try QueueAddress(project: "p", queue: "q")
    try broker.createTopic("audit.actions", partitions: 1)
  }

  private func makeEmitter(
    disk: SpoolDisk = SpoolDisk(), _ change: (inout ActionEmitterConfiguration) throws -> Void = { _ in }
  ) throws -> ActionEmitter {
    var configuration = ActionEmitterConfiguration(kafka: broker.configuration)
    configuration.acknowledgementTimeout = .seconds(60)
    try change(&configuration)
    return try ActionEmitter(
      configuration: configuration, metrics: NOOPMetricsHandler.instance, logger: quiet, disk: disk)
  }

  private func spool() -> (SpoolConfiguration, folder: URL) {
    let folder = FileManager.default.temporaryDirectory.appending(path: "durable-\(UUID().uuidString)")
    var configuration = SpoolConfiguration(directory: folder.path)
    configuration.fileBytes = 524_288
    configuration.filesMax = 2
    // None by itself while the test runs.
    configuration.syncInterval = .seconds(3_600)
    return (configuration, folder)
  }

  @Test("The work happens once Kafka has the record, is given its position, and its result comes back")
  func happens() async throws {
    let emitter = try makeEmitter()
    let result = try await emitter.emitDurable(action, to: queue) { record in
      guard case .kafka(let position) = record else { throw WorkFailed() }
      #expect(position.partition == 0 && position.offset == 0)
      return try await readTopic("audit.actions", partitions: 1, count: 1, from: broker.configuration).count
    }
    #expect(result == 1)
    await emitter.close(flushTimeout: .seconds(20))
  }

  @Test("Without Kafka's word in time the work does not happen, and the error says that the record may exist")
  func timesOut() async throws {
    try broker.setBroker(1, isUp: false)
    let emitter = try makeEmitter { $0.acknowledgementTimeout = .milliseconds(100) }
    let error = await #expect(throws: EmitError.self) {
      try await emitter.emitDurable(action, to: queue) { _ in Issue.record("the work happened") }
    }
    #expect(error?.reason == .notAcknowledged && error?.mayHaveBeenWritten == true)
    // It does: what was accepted is delivered when Kafka is back.
    try broker.setBroker(1, isUp: true)
    #expect(try await readTopic("audit.actions", partitions: 1, count: 1, from: broker.configuration).count == 1)
    let counters = await emitter.close(flushTimeout: .seconds(20)).counters
    #expect(counters.emitted == 1 && counters.delivered == 1 && counters.refusedInAll == 0)
  }

  @Test("A refused record, one that fails on its way, and a cancelled task keep the work from happening")
  func failsClosed() async throws {
    let emitter = try makeEmitter { $0.kafka["message.timeout.ms"] = "500" }
    let invalid = await #expect(throws: EmitError.self) {
      try await emitter.emitDurable(Action(type: ""), to: queue) { _ in Issue.record("the work happened") }
    }
    #expect(invalid?.reason == .invalidAction)
    try broker.setBroker(1, isUp: false)
    let refused = await #expect(throws: EmitError.self) {
      try await emitter.emitDurable(action, to: queue) { _ in Issue.record("the work happened") }
    }
    #expect(refused?.reason == .kafka)
    let waiting = Task {
      try await emitter.emitDurable(action, to: queue) { _ in Issue.record("the work happened") }
    }
    waiting.cancel()
    let cancelled = await #expect(throws: EmitError.self) { try await waiting.value }
    #expect(cancelled?.reason == .cancelled)
    let counters = await emitter.close(flushTimeout: .zero).counters
    #expect(counters.refused == [.invalidAction: 1])
    #expect(counters.emitted == counters.delivered + counters.failedInAll)
  }

  @Test("What the work throws comes out, and its record stays")
  func throwing() async throws {
    let emitter = try makeEmitter()
    await #expect(throws: WorkFailed.self) {
      try await emitter.emitDurable(raw: RawAction(body: Array(#"{"event":"E"}"#.utf8)), to: queue) { _ in
        throw WorkFailed()
      }
    }
    #expect(await emitter.close(flushTimeout: .seconds(20)).counters.delivered == 1)
  }

  @Test("Work whose record nobody wants happens without one")
  func notWanted() async throws {
    let emitter = try makeEmitter { $0.channels = try ChannelSet([Channel("off", isEnabled: false, events: [])]) }
    let record = try await emitter.emitDurable(action, to: queue) { $0 }
    #expect(record == .notWanted(.channel))
    let counters = await emitter.close(flushTimeout: .seconds(20)).counters
    #expect(counters.skipped == [.channel: 1] && counters.emitted == 0 && counters.refusedInAll == 0)
  }

  @Test("Less than all acknowledgements are not durable", arguments: ["acks", "request.required.acks"])
  func acks(property: String) async throws {
    let emitter = try makeEmitter {
      $0.kafka["enable.idempotence"] = "false"
      $0.kafka[property] = "1"
    }
    let error = await #expect(throws: EmitError.self) {
      try await emitter.emitDurable(action, to: queue) { _ in Issue.record("the work happened") }
    }
    #expect(error?.reason == .invalidConfiguration)
    await emitter.close(flushTimeout: .seconds(20))
  }

  @Test("With a spool the disk's word is enough, and Kafka may be away")
  func spooled() async throws {
    try broker.setBroker(1, isUp: false)
    let (spool, folder) = spool()
    defer { try? FileManager.default.removeItem(at: folder) }
    let syncs = Tally()
    let disk = SpoolDisk(fault: { operation in
      if operation == .sync { syncs.add() }
      return nil
    })
    let emitter = try makeEmitter(disk: disk) { configuration in
      configuration.spool = spool
      configuration.durability = .spool
    }
    let (before, queue, action) = (syncs.value, queue, action)
    let records = try await withThrowingTaskGroup(of: DurableRecord.self) { group in
      for _ in 0..<20 {
        group.addTask {
          try await emitter.emitDurable(action, to: queue) { record in
            #expect(syncs.value > before)
            return record
          }
        }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    let logID = try #require(emitter.spool?.logID)
    #expect(Set(records) == Set((1...20).map { .spool(SpooledPosition(logID: logID, sequence: Int64($0))) }))
    #expect(await emitter.close(flushTimeout: .zero).spooled == 20)
  }

  @Test("A disk that does not keep the record keeps the work from happening")
  func diskFails() async throws {
    try broker.setBroker(1, isUp: false)
    let (spool, folder) = spool()
    defer { try? FileManager.default.removeItem(at: folder) }
    let fails = Atomic(false)
    let disk = SpoolDisk(fault: { $0 == .sync && fails.load(ordering: .relaxed) ? EIO : nil })
    let emitter = try makeEmitter(disk: disk) { configuration in
      configuration.spool = spool
      configuration.durability = .spool
    }
    fails.store(true, ordering: .relaxed)
    let error = await #expect(throws: EmitError.self) {
      try await emitter.emitDurable(action, to: queue) { _ in Issue.record("the work happened") }
    }
    #expect(error?.reason == .spool && error?.systemError == EIO && error?.mayHaveBeenWritten == true)
    fails.store(false, ordering: .relaxed)
    _ = try await emitter.emitDurable(action, to: queue) { $0 }
    await emitter.close(flushTimeout: .zero)
  }

  @Test("To be durable in a spool takes a spool")
  func needsSpool() {
    #expect(throws: EmitError.self) { try makeEmitter { $0.durability = .spool } }
  }
}
