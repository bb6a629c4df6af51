import ActionEmitter
import AuditActions
import Kafka
import Testing

@Suite("Emitting what somebody wants, and nothing else")
struct LazyEmitTests {
  let broker: EmbeddedBroker
  let orders: QueueAddress

  init() throws {
    broker = try EmbeddedBroker()
    orders = try QueueAddress(project: "p", queue: "orders")
    try broker.createTopic("audit.actions", partitions: 1)
  }

  private func makeEmitter(_ change: (inout ActionEmitterConfiguration) throws -> Void = { _ in }) throws
    -> ActionEmitter
  {
    var configuration = ActionEmitterConfiguration(kafka: broker.configuration)
    try change(&configuration)
    return try ActionEmitter(configuration: configuration, logger: quiet)
  }

  @Test("Details are made only when an event is wanted, and arrive as any other action's")
  func lazy() async throws {
    let emitter = try makeEmitter { configuration in
      configuration.clientID = "c"
      configuration.channels = try ChannelSet([Channel("claims", events: [.claimExpired])])
    }
    let queue = emitter.queue(orders)
    var made = 0
    func details() -> JSONText {
      made += 1
      return ["n": .integer(made)]
    }
    #expect(queue.wants(.claimExpired) && !queue.wants(.messageDeleted))
    #expect(queue.emit(.claimExpired) { details() }.isAccepted)
    #expect(queue.emit(.messageDeleted) { details() } == .skipped(.channel))
    #expect(emitter.emit(.claimExpired, to: orders) { details() }.isAccepted)
    #expect(emitter.emit(.claimReleased, to: orders) { details() } == .skipped(.channel))
    #expect(
      queue.emitAction(.claimExpired) { .claimExpired(claimID: "k", userAgent: "a") }.isAccepted)
    #expect(queue.emitAction(.claimReleased) { .claimReleased(claimID: "k") } == .skipped(.channel))
    #expect(await queue.emitWhenRoom(.claimReleased) { details() } == .skipped(.channel))
    #expect(made == 2)

    emitter.setChannels(.none)
    #expect(queue.emit(.messageDeleted) { details() }.isAccepted)
    let report = await emitter.close(flushTimeout: .seconds(20))
    #expect(report.counters.emitted == 4 && report.counters.delivered == 4)
    #expect(report.counters.skipped == [.channel: 4] && report.counters.refusedInAll == 0)
    let records = try await readTopic("audit.actions", partitions: 1, count: 4, from: broker.configuration)
    let texts = records.map { String(decoding: $0.value, as: UTF8.self) }
    #expect(texts.first?.hasPrefix(#"{"event":"ClaimExpired","details":{"n":1,"client_id":"c"},"#) == true)
    #expect(texts.map { $0.prefix(26) }.last == #"{"event":"MessageDeleted","#)
    #expect(records.map(\.key) == Array(repeating: "p/orders", count: 4))
  }

  @Test("Those who give a whole action are asked the same: emit, raw, waiting, acknowledged")
  func eager() async throws {
    let emitter = try makeEmitter {
      $0.channels = try ChannelSet([Channel("claims", events: [.claimExpired])])
    }
    let (wanted, unwanted) = (Action.claimExpired(claimID: "k"), Action.claimReleased(claimID: "k"))
    let raw = RawAction(body: Array(#"{"event":"Claim\u0052eleased"}"#.utf8))
    #expect(emitter.emit(wanted, to: orders).isAccepted)
    #expect(emitter.emit(unwanted, to: orders) == .skipped(.channel))
    #expect(emitter.emit(raw: raw, to: orders) == .skipped(.channel))
    #expect(await emitter.emitWhenRoom(unwanted, to: orders) == .skipped(.channel))
    let error = await #expect(throws: EmitError.self) { try await emitter.emitAcknowledged(unwanted, to: orders) }
    #expect(error?.reason == .notWanted && error?.skip == .channel && error?.mayHaveBeenWritten == false)
    let outcomes = await emitter.emitAcknowledged([wanted, unwanted], to: orders)
    #expect(outcomes.map { (try? $0.get()) != nil } == [true, false])
    #expect(emitter.emit(raw: RawAction(body: Array("[]".utf8)), to: orders).refusal?.reason == .invalidAction)
    let counters = await emitter.close(flushTimeout: .seconds(20)).counters
    #expect(counters.emitted == 2 && counters.skipped == [.channel: 5] && counters.refused == [.invalidAction: 1])
  }

  @Test("Where only known event types are taken, others are refused and counted, whoever asks")
  func strict() async throws {
    let own = try EventCatalogue(own: ["OrderShipped"])
    let emitter = try makeEmitter { configuration in
      configuration.catalogue = own
      configuration.takesOnlyKnownEvents = true
    }
    let queue = emitter.queue(orders)
    #expect(queue.emit(EventKind("OrderShipped")) { .empty }.isAccepted)
    let refusal = queue.emit(EventKind("OrderShiped")) {
      Issue.record("made for nobody")
      return .empty
    }.refusal
    #expect(refusal?.reason == .unknownEvent)
    #expect(refusal?.message.hasSuffix("The nearest known one is 'OrderShipped'.") == true)
    #expect(emitter.emit(Action(type: "OrderShiped"), to: orders).refusal?.reason == .unknownEvent)
    emitter.setChannels(try ChannelSet([Channel("own", events: ["OrderShipped"])], catalogue: own))
    #expect(queue.emit(.claimExpired) { .empty } == .skipped(.channel))
    #expect(queue.emit(EventKind("OrderShiped")) { .empty }.refusal?.reason == .unknownEvent)
    emitter.setChannels(.none)
    emitter.setCatalogue(own, takesOnlyKnown: false)
    #expect(queue.emit(EventKind("OrderShiped")) { .empty }.isAccepted)
    let counters = await emitter.close(flushTimeout: .seconds(20)).counters
    #expect(counters.emitted == 2 && counters.refused == [.unknownEvent: 3] && counters.skipped == [.channel: 1])
  }

  @Test("Details that are not what the catalogue says of them are refused, given as an action or as JSON")
  func schemas() async throws {
    let schema = try DetailsSchema(
      JSONText(#"{"required":["order"],"properties":{"order":{"type":"integer"}}}"#))
    let emitter = try makeEmitter {
      $0.catalogue = try EventCatalogue(own: [EventDefinition("OrderShipped", details: schema)])
    }
    let queue = emitter.queue(orders)
    let shipped = EventKind("OrderShipped")
    #expect(queue.emit(shipped) { ["order": 7] }.isAccepted)
    #expect(queue.emit(shipped) { ["order": "seven"] }.refusal?.invalid?.code == .invalidDetails)
    for (body, isTaken) in [
      (#"{"event":"OrderShipped","details":{"order":7}}"#, true), (#"{"event":"OrderShipped"}"#, false),
      (#"{"event":"OrderShipped","details":{"order":"7"}}"#, false), (#"{"event":"Other"}"#, true),
    ] {
      #expect(emitter.emit(raw: RawAction(body: Array(body.utf8)), to: orders).isAccepted == isTaken, "\(body)")
    }
    #expect(emitter.emit(Action(type: "OrderShipped"), to: orders).refusal?.reason == .invalidAction)
    let counters = await emitter.close(flushTimeout: .seconds(20)).counters
    #expect(counters.emitted == 3 && counters.refused == [.invalidAction: 4])
  }

  @Test("An action of another type than the one asked for is refused, and a closure that throws emits nothing")
  func misuse() async throws {
    struct NoDetails: Error {}
    let emitter = try makeEmitter()
    let queue = emitter.queue(orders)
    #expect(queue.emitAction(.claimExpired) { .claimReleased(claimID: "k") }.refusal?.reason == .invalidAction)
    #expect(throws: NoDetails.self) { try queue.emit(.claimExpired) { throw NoDetails() } }
    let counters = await emitter.close(flushTimeout: .seconds(20)).counters
    #expect(counters.emitted == 0 && counters.refused == [.invalidAction: 1] && counters.skippedInAll == 0)
    #expect(queue.emit(.claimExpired) { .empty }.refusal?.reason == .closed)
  }

  @Test("A kind without a number is decided on by its name")
  func unnumbered() async throws {
    let kinds = (0..<300).map { EventKind(ActionType("LazyEmitTests.\($0)")) }
    let emitter = try makeEmitter { configuration in
      let catalogue = try EventCatalogue(own: [EventDefinition(kinds[298].type)])
      configuration.catalogue = catalogue
      configuration.channels = try ChannelSet([Channel("c", events: [kinds[298].type])], catalogue: catalogue)
    }
    let queue = emitter.queue(orders)
    #expect(queue.emit(kinds[298]) { .empty }.isAccepted)
    #expect(queue.emit(kinds[299]) { .empty } == .skipped(.channel))
    emitter.setChannels(.none)
    #expect(queue.emit(kinds[299]) { .empty }.isAccepted)
    await emitter.close(flushTimeout: .seconds(20))
  }
}
