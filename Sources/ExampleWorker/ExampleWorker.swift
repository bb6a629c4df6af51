import ActionEmitter
import AuditActions
import Foundation
import Logging

/// A queue worker that reports what it does: it claims messages, renews and releases claims, deletes what is done,
/// and now and then lets a claim expire.
///
///     example-worker [HOST:PORT] [ROUNDS]      or STRANDLINE_BOOTSTRAP_SERVERS=HOST:PORT example-worker
///
/// STRANDLINE_QUEUES_TOPIC=audit.queues has it follow the metadata of queues.
@main
struct ExampleWorker {
  static func main() async {
    let arguments = CommandLine.arguments.dropFirst()
    let environment = ProcessInfo.processInfo.environment
    let servers = arguments.first ?? environment["STRANDLINE_BOOTSTRAP_SERVERS"] ?? "localhost:9092"
    let rounds = arguments.dropFirst().first.flatMap { Int($0) } ?? 10
    if let flag = arguments.first(where: { $0.hasPrefix("-") }) {
      print("usage: example-worker [HOST:PORT] [ROUNDS]      or STRANDLINE_BOOTSTRAP_SERVERS=HOST:PORT example-worker")
      exit(flag == "--help" || flag == "-h" ? 0 : 64)
    }

    do {
      var configuration = ActionEmitterConfiguration(bootstrapServers: servers)
      configuration.source = "/workers/example"
      configuration.clientID = "3381af92-2b9e-11e3-b191-71861300734c"
      configuration.userAgent = "example-worker/1.0"
      configuration.acknowledgementTimeout = .seconds(10)
      // Where the metadata of queues is followed, what a queue is not audited for is not even made.
      configuration.queuesTopic = environment["STRANDLINE_QUEUES_TOPIC"]
      let emitter = try ActionEmitter(configuration: configuration, logger: Logger(label: "example-worker"))
      let isDelivered = await run(rounds, emitter, try QueueAddress(project: "demo", queue: "orders"))
      if !isDelivered { exit(1) }
    } catch {
      print("cannot start: \(error)")
      exit(2)
    }
  }

  /// A worker's life, from its first action to the last flush.
  static func run(_ rounds: Int, _ emitter: ActionEmitter, _ queue: QueueAddress) async -> Bool {
    do {
      // A type of our own, acknowledged: we go on only once Kafka has it, and learn early if it cannot be reached.
      let started = Action(type: "WorkerStarted", details: ["rounds": .integer(rounds)], message: "worker is up")
      let position = try await emitter.emitAcknowledged(started, to: queue)
      print("first action at \(position)")
      for round in 1...max(rounds, 1) {
        work(round, emitter, queue)
        try await Task.sleep(for: .milliseconds(100))
      }
    } catch {
      print("cannot emit: \(error)")
    }
    let report = await emitter.close(flushTimeout: .seconds(5))
    let counters = report.counters
    print("emitted \(counters.emitted), skipped \(counters.skippedInAll), delivered \(counters.delivered)")
    return report.undelivered == 0 && report.counters.delivered > 0
  }

  /// One round of a worker's life. `emit` never waits: the worker's own work goes on whatever Kafka does.
  static func work(_ round: Int, _ emitter: ActionEmitter, _ queue: QueueAddress) {
    let alice = Actor(username: "alice", authenticationProvider: "keystone")
    let claim = "claim-\(round)"
    let messages = (1...3).map { "message-\(round)-\($0)" }
    emitter.emit(
      .messagesClaimed(claimID: claim, messageIDs: messages, ttlSeconds: 300, graceSeconds: 60, user: alice), to: queue)
    emitter.emit(.claimUpdated, to: queue) { ["claim_id": .string(claim), "ttl": 600] }
    emitter.emit(.messageDeleted(messageID: messages[0], claimID: claim, user: alice), to: queue)
    if round.isMultiple(of: 3) {
      emitter.emit(.claimExpired(claimID: claim, messageIDs: Array(messages.dropFirst()), ttlSeconds: 600), to: queue)
    } else {
      emitter.emit(.claimReleased(claimID: claim, messageIDs: Array(messages.dropFirst()), user: alice), to: queue)
    }
  }
}
