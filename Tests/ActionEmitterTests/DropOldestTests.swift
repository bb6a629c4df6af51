import AuditActions
import Kafka
import Synchronization
import Testing

@testable import ActionEmitter

@Suite("Dropping the oldest action for the newest")
struct DropOldestTests {
  let broker: EmbeddedBroker
  let queue: QueueAddress

  init() throws {
    broker = try EmbeddedBroker()
    queue = try QueueAddress(project: "p", queue: "q")
    try broker.createTopic("audit.actions", partitions: 1)
  }

  private func makeEmitter(_ change: (inout ActionEmitterConfiguration) -> Void = { _ in }) throws -> ActionEmitter {
    var configuration = ActionEmitterConfiguration(kafka: broker.configuration)
    configuration.kafka["reconnect.backoff.max.ms"] = "200"
    configuration.overflow = .dropOldest
    change(&configuration)
    return try ActionEmitter(configuration: configuration, logger: quiet)
  }

  private func action(_ number: Int) -> Action { Action(type: "E", details: ["n": .integer(number)]) }

  private func numbers(_ count: Int) async throws -> [Int] {
    try await readTopic("audit.actions", partitions: 1, count: count, from: broker.configuration).map { record in
      let text = String(decoding: record.value, as: UTF8.self)
      return text.firstMatch(of: /"n":(\d+)/).flatMap { Int($0.1) } ?? -1
    }
  }

  @Test("While Kafka is away the newest are kept, behind the few the client has; each drop is counted and told")
  func keepsTheNewest() async throws {
    try broker.setBroker(1, isUp: false)
    let emitter = try makeEmitter { $0.outstandingActionsMax = 80 }
    let (client, behind) = (10, 70)
    let first = Task {
      await emitter.emitAcknowledged((0..<20).map(action), to: queue)
    }
    #expect(await eventually { emitter.counters.emitted == 20 })
    for number in 20..<500 { #expect(emitter.emit(action(number), to: queue).isAccepted) }
    var counters = emitter.counters
    #expect(counters.failed == ["dropped_oldest": 500 - client - behind])
    #expect(counters.outstanding == client + behind)
    #expect(counters.emitted == 500 && counters.refusedInAll == 0)

    try broker.setBroker(1, isUp: true)
    let outcomes = await first.value
    #expect(outcomes.prefix(client).allSatisfy { (try? $0.get()) != nil })
    for outcome in outcomes.dropFirst(client) {
      guard case .failure(let error) = outcome else {
        Issue.record("delivered")
        continue
      }
      #expect(error.reason == .droppedOldest && !error.mayHaveBeenWritten)
    }
    let report = await emitter.close(flushTimeout: .seconds(60))
    counters = report.counters
    #expect(report.undelivered == 0 && counters.outstanding == 0)
    #expect(counters.emitted == counters.delivered + counters.failedInAll)
    #expect(try await numbers(client + behind) == Array(0..<client) + Array((500 - behind)..<500))
  }

  @Test("From several tasks nothing is lost while Kafka keeps up with the bounds, and each task's order is kept")
  func keepsOrder() async throws {
    let emitter = try makeEmitter { $0.outstandingActionsMax = 100_000 }
    let (tasks, each) = (4, 5_000)
    await withTaskGroup { group in
      for task in 0..<tasks {
        group.addTask { for number in 0..<each { emitter.emit(action(task * each + number), to: queue) } }
      }
    }
    let report = await emitter.close(flushTimeout: .seconds(60))
    #expect(report.counters.delivered == tasks * each)
    let numbers = try await numbers(tasks * each)
    for task in 0..<tasks {
      #expect(numbers.filter { $0 / each == task } == Array((task * each)..<((task + 1) * each)))
    }
  }

  @Test("Closing gives up what Kafka does not take in time, and says how much")
  func closes() async throws {
    try broker.setBroker(1, isUp: false)
    let emitter = try makeEmitter { $0.outstandingActionsMax = 80 }
    for number in 0..<50 { emitter.emit(action(number), to: queue) }
    let report = await emitter.close(flushTimeout: .milliseconds(50))
    #expect(report.undelivered == 50)
    #expect(report.counters.failed["closed"] == 40)
    #expect(report.counters.failedInAll == 50 && report.counters.outstanding == 0)
    #expect(emitter.emit(action(0), to: queue).refusal?.reason == .closed)
  }

  @Test("Closing a backlog whose time is over, or as good as over, ends and gives back what the client was not given")
  func closesInNoTime() async throws {
    let record = EmitRecord(key: [1], value: [2], headers: PackedHeaders(capacity: 0))
    let closed = Tally()
    let closing = Task {
      for timeout in [Duration.zero, .seconds(-1)] + Array(repeating: .nanoseconds(1), count: 500) {
        // The client is never done with the first.
        let backlog = Backlog(actionsMax: 8, bytesMax: 8 << 20) { _, _ in }
        for _ in 0..<3 { _ = try backlog.append(Backlog.Entry(record: record, onDelivery: nil)) }
        #expect(await backlog.close(within: timeout).count == 2)
        closed.add()
      }
    }
    try #require(await eventually { closed.value == 502 })
    try await closing.value
  }

  @Test("The bound in bytes drops as well, and one action always has room")
  func boundsBytes() async throws {
    try broker.setBroker(1, isUp: false)
    let emitter = try makeEmitter { $0.outstandingBytesMax = 1_048_576 }
    let large = Action(type: "X", details: ["x": .string(String(repeating: "x", count: 250_000))])
    for _ in 0..<10 { #expect(emitter.emit(large, to: queue).isAccepted) }
    let counters = emitter.counters
    #expect(counters.outstanding == 4 && counters.failed == ["dropped_oldest": 6])
    await emitter.close(flushTimeout: .zero)
  }

  @Test("A spool drops nothing it has taken")
  func spool() {
    let error = #expect(throws: EmitError.self) {
      try makeEmitter { $0.spool = SpoolConfiguration(directory: "/nowhere") }
    }
    #expect(error?.reason == .invalidConfiguration)
  }
}
