import CoreMetrics
import Kafka
import Logging
import Synchronization
import Testing

@testable import ActionEmitter
@testable import AuditActions

@Suite("The parts of the emitter")
struct EmitterPartsTests {
  @Test("A repeating fault is one line a second, with how often it happened since the line before")
  func limitsLines() {
    let start = ContinuousClock.now
    let elapsed = Mutex(Duration.zero)
    let (logger, lines) = LogKeeper.logger()
    let log = RepeatingFaultLog(logger: logger) { start + elapsed.withLock { $0 } }
    for _ in 0..<10 { log.report("refused", .queueFull) }
    #expect(lines.all.count == 1)
    elapsed.withLock { $0 = .milliseconds(999) }
    log.report("refused", .queueFull)
    #expect(lines.all.count == 1)
    elapsed.withLock { $0 = .seconds(1) }
    log.report("refused", .queueFull)
    #expect(lines.all.count == 2)
    #expect(lines.all.first?.contains("\"actions\": 1") == true)
    #expect(lines.all.last?.contains("\"actions\": 11") == true)
    #expect(lines.all.last?.contains("queue_full") == true)
  }

  @Test("The window holds as many actions and bytes as it says, and takes one of any size when empty")
  func boundsTheWindow() throws {
    let window = EmitWindow(actionsMax: 2, bytesMax: 100)
    try window.reserve(bytes: 1_000)
    #expect(throws: EmitError.queueFull) { try window.reserve(bytes: 1) }
    window.release(bytes: 1_000)
    try window.reserve(bytes: 60)
    #expect(throws: EmitError.queueFull) { try window.reserve(bytes: 41) }
    try window.reserve(bytes: 40)
    #expect(throws: EmitError.queueFull) { try window.reserve(bytes: 0) }
    window.close()
    #expect(throws: EmitError.closed) { try window.reserve(bytes: 0) }
    #expect(window.outstanding == 2)
  }

  @Test("Waiting for room ends when room is made, when the window closes, and when the task is cancelled")
  func wakesWaiters() async throws {
    let window = EmitWindow(actionsMax: 1, bytesMax: 100)
    await window.room(forBytes: 10)  // there is some: no wait
    try window.reserve(bytes: 10)
    let released = Task { await window.room(forBytes: 10) }
    window.release(bytes: 10)
    await released.value
    try window.reserve(bytes: 10)
    let cancelled = Task { await window.room(forBytes: 10) }
    cancelled.cancel()
    await cancelled.value
    let many = (0..<100).map { _ in Task { await window.room(forBytes: 10) } }
    window.close()
    for waiter in many { await waiter.value }
  }

  @Test("Room that is made just when somebody begins to wait for it is not slept through")
  func sharesRoom() async throws {
    let rounds = 20_000
    let done = Tally()
    let work = Task {
      for _ in 0..<rounds {
        let window = EmitWindow(actionsMax: 1, bytesMax: 100)
        await withTaskGroup { group in
          for _ in 0..<2 {
            group.addTask {
              while (try? window.reserve(bytes: 1)) == nil { await window.room(forBytes: 1) }
              window.release(bytes: 1)
            }
          }
        }
        done.add()
      }
    }
    try #require(await eventually { done.value == rounds })
    await work.value
  }

  @Test("Of several results for one action the first counts; giving up fills only what is missing")
  func gathersAcknowledgements() async {
    let acknowledgements = Acknowledgements(count: 3)
    acknowledgements.complete(1, .failure(.closed))
    acknowledgements.complete(1, .failure(.queueFull))
    acknowledgements.complete(7, .failure(.queueFull))
    acknowledgements.giveUp(.cancelled)
    let position = EmittedPosition(partition: 0, offset: 1, timestampMilliseconds: nil)
    acknowledgements.complete(0, .success(position))
    let outcomes = await acknowledgements.outcomes(within: .init(timeout: .seconds(60)))
    #expect(outcomes == [.failure(.cancelled), .failure(.closed), .failure(.cancelled)])
  }

  @Test("Waits end at their deadline, each by itself, and completed ones do not pile up")
  func deadlines() async {
    let deadlines = AcknowledgementDeadlines(timeout: .milliseconds(20))
    let answered = Acknowledgements(count: 1)
    let waits = (0..<10).map { _ in Task { await Acknowledgements(count: 2).outcomes(within: deadlines) } }
    let wait = Task { await answered.outcomes(within: deadlines) }
    answered.complete(0, .failure(.closed))
    #expect(await wait.value.count == 1)
    for wait in waits { #expect(await wait.value == [.failure(.notAcknowledged), .failure(.notAcknowledged)]) }

    let patient = AcknowledgementDeadlines(timeout: .seconds(3_600))
    for _ in 0..<10_000 {
      let acknowledgements = Acknowledgements(count: 1)
      patient.watch(acknowledgements)
      acknowledgements.complete(0, .failure(.closed))
    }
    #expect(patient.count <= 1_024)
  }

  @Test("Ids of one emitter count up, and those of two never meet")
  func makesIDs() {
    let (one, other) = (EventIdentity(), EventIdentity())
    let first = one.next()
    #expect(first.hasSuffix("-1"))
    #expect(first.utf8.count == 18)
    #expect(one.next() == first.dropLast() + "2")
    #expect(other.next() != first)
  }

  @Test("Emitted, refused and failed actions are counted under the names and reasons dashboards use")
  func countsMetrics() throws {
    let factory = KeepingMetrics()
    let tally = EmitterTally(metrics: factory)
    tally.countEmitted()
    tally.countEmitted()
    tally.countDelivered()
    tally.countRefused(.queueFull)
    tally.countRefused(.queueFull)
    tally.countRefused(.tooLarge)
    tally.countFailed("_MSG_TIMED_OUT")
    #expect(
      factory.values == [
        "strandline_actions_emitted_total": 2,
        "strandline_actions_refused_total{reason=queue_full}": 2,
        "strandline_actions_refused_total{reason=too_large}": 1,
        "strandline_actions_failed_total{reason=_MSG_TIMED_OUT}": 1,
      ])
    let counters = tally.snapshot(outstanding: 0)
    #expect(counters.emitted == 2)
    #expect(counters.delivered == 1)
    #expect(counters.refusedInAll == 3)
    #expect(counters.failedInAll == 1)
  }

  @Test("Errors say whether the action may be in the topic, and keep Kafka's hint")
  func describesErrors() {
    let timedOut = EmitError(failure: KafkaError(code: KafkaError.Code.recordTimedOut))
    #expect(timedOut.mayHaveBeenWritten)
    #expect(timedOut.isRetriable)
    #expect(timedOut.hint != nil)
    #expect(!EmitError(failure: KafkaError(code: KafkaError.Code.purgedFromQueue)).mayHaveBeenWritten)
    #expect(EmitError(refusal: KafkaError(code: KafkaError.Code.queueFull)).reason == .queueFull)
    #expect(EmitError(refusal: KafkaError(code: KafkaError.Code.fatal)).isRetriable)
    #expect(EmitError(AuditActionError(.tooDeep, "x")).reason == .invalidAction)
    for reason in EmitError.Reason.allCases { #expect(reason.rawValue.allSatisfy { $0.isLowercase || $0 == "_" }) }
  }
}

/// Counters in a dictionary.
final class KeepingMetrics: MetricsFactory {
  final class Kept: CounterHandler {
    let value = Atomic<Int64>(0)
    func increment(by amount: Int64) { value.add(amount, ordering: .relaxed) }
    func reset() { value.store(0, ordering: .relaxed) }
  }

  private let counters = Mutex<[String: Kept]>([:])

  var values: [String: Int64] { counters.withLock { $0.mapValues { $0.value.load(ordering: .relaxed) } } }

  func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
    let labels = dimensions.map { "\($0.0)=\($0.1)" }.joined(separator: ",")
    return counters.withLock { counters in
      let kept = Kept()
      counters[labels.isEmpty ? label : "\(label){\(labels)}"] = kept
      return kept
    }
  }

  func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
    NOOPMetricsHandler.instance
  }
  func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler { NOOPMetricsHandler.instance }
  func destroyCounter(_ handler: any CounterHandler) {}
  func destroyRecorder(_ handler: any RecorderHandler) {}
  func destroyTimer(_ handler: any TimerHandler) {}
}
