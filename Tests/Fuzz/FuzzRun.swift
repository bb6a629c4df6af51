import Foundation
import Synchronization

/// A run: threads that take the iterations of every target in turn.
final class FuzzRun: Sendable {
  private struct Tally {
    var inputs: UInt64 = 0
    var nanoseconds: UInt64 = 0
  }

  private struct State {
    var tallies: [Tally]
    var findings: [String] = []
    var threadsLeft: Int
    var threadsPastFifth = 0
    var bytesAtFifth: Int?
  }

  /// What memory may grow by from a fifth of the run to its end: half of it again, and this.
  private static let growthBytesMax = 96 << 20
  private static let findingsMax = 10

  private let options: FuzzOptions
  private let targets: [any FuzzTarget.Type]
  private let state: Mutex<State>
  private let isStopped = Atomic(false)
  private let started = monotonicNanoseconds()

  init(options: FuzzOptions, targets: [any FuzzTarget.Type]) {
    self.options = options
    self.targets = targets
    state = Mutex(State(tallies: targets.map { _ in Tally() }, threadsLeft: options.jobs))
  }

  var isDone: Bool { state.withLock { $0.threadsLeft == 0 } }

  func start() {
    for job in 0..<options.jobs {
      let thread = Thread { [self] in
        work(job)
        state.withLock { $0.threadsLeft -= 1 }
      }
      thread.stackSize = 8 << 20
      thread.start()
    }
  }

  /// How many calls of `run` a target gets in all.
  private func runs(of target: any FuzzTarget.Type) -> UInt64 {
    let chosen = targets.filter { options.only.isEmpty || options.only.contains($0.name) }
    guard chosen.contains(where: { $0 == target }) else { return 0 }
    let shares = chosen.reduce(0) { $0 + $1.share }
    let inputs = Double(options.inputs) * Double(target.share) / Double(shares)
    return max(1, UInt64((inputs / Double(target.inputsPerRun)).rounded()))
  }

  private func work(_ job: Int) {
    var instances: [Int: any FuzzTarget] = [:]
    defer { for instance in instances.values { instance.end() } }
    for round in 0..<UInt64(Fuzz.rounds) {
      for (index, target) in targets.enumerated() {
        let runs = runs(of: target)
        let first = runs * round / UInt64(Fuzz.rounds)
        let end = runs * (round + 1) / UInt64(Fuzz.rounds)
        guard first < end, !isStopped.load(ordering: .relaxed) else { continue }
        do {
          let instance = try instances[index] ?? target.init(seed: options.seed)
          instances[index] = instance
          work(instance, index, job, first..<end)
        } catch {
          fail("\(target.name) cannot begin: \(error)")
        }
      }
      if round == UInt64(Fuzz.rounds / 5 - 1) { noteFifth() }
    }
  }

  private func work(_ instance: any FuzzTarget, _ index: Int, _ job: Int, _ range: Range<UInt64>) {
    let target = type(of: instance)
    let begun = monotonicNanoseconds()
    var runs: UInt64 = 0
    let jobs = UInt64(options.jobs)
    var iteration = range.lowerBound + (UInt64(job) + jobs - range.lowerBound % jobs) % jobs
    while iteration < range.upperBound, !isStopped.load(ordering: .relaxed) {
      let number = options.from + iteration
      var random = SeededRandom(seed: options.seed, target: target.name, iteration: number)
      FlightRecorder.note(job, target: index, iteration: number)
      do { try instance.run(&random) } catch {
        fail("\(error)\n  again: --only \(target.name) --seed \(options.seed) --from \(number) --inputs 1")
      }
      iteration += jobs
      runs += 1
    }
    FlightRecorder.rest(job)
    let spent = monotonicNanoseconds() - begun
    state.withLock { state in
      state.tallies[index].inputs += runs * UInt64(target.inputsPerRun)
      state.tallies[index].nanoseconds += spent
    }
  }

  private func fail(_ text: String) {
    let count = state.withLock { state in
      if state.findings.count < Self.findingsMax { state.findings.append(text) }
      return state.findings.count
    }
    if count >= Self.findingsMax { isStopped.store(true, ordering: .relaxed) }
  }

  /// The last thread to come here looks at the memory.
  private func noteFifth() {
    state.withLock { state in
      state.threadsPastFifth += 1
      if state.threadsPastFifth == options.jobs { state.bytesAtFifth = residentBytes() }
    }
  }

  /// Prints what was done and found; true when something was found.
  func report() -> Bool {
    let seconds = Double(monotonicNanoseconds() - started) / 1e9
    let atEnd = residentBytes()
    var state = state.withLock { $0 }
    var inputs: UInt64 = 0
    for (target, tally) in zip(targets, state.tallies) where tally.inputs > 0 {
      inputs += tally.inputs
      let rate = Double(tally.inputs) / (Double(tally.nanoseconds) / 1e9)
      print(
        "  \(target.name.padding(toLength: 10, withPad: " ", startingAt: 0)) \(tally.inputs) inputs, "
          + "\(Int(rate)) a second and thread")
    }
    let atFifth = state.bytesAtFifth ?? atEnd
    print(
      "\(inputs) inputs in \(Int(seconds)) s, \(Int(Double(inputs) / seconds)) a second; memory "
        + "\(atFifth >> 20) MiB at a fifth of the run, \(atEnd >> 20) MiB at its end")
    if options.inputs >= 10_000, atEnd > atFifth + atFifth / 2 + Self.growthBytesMax {
      state.findings.append("memory grows with the number of inputs")
    }
    for finding in state.findings { print("FOUND: \(finding)") }
    print(state.findings.isEmpty ? "fuzz: nothing found" : "fuzz: FAILED (seed \(options.seed))")
    return !state.findings.isEmpty
  }
}
