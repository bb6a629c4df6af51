import Foundation
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// What every thread is at, kept where a signal handler can read it: a crash or a hang names its input.
///
/// One writer a slot; the watchdog and the handler only read, and a torn read costs nothing but a wrong number.
enum FlightRecorder {
  struct Slot {
    var thread: UInt = 0
    /// Index into ``names``.
    var target: Int32 = 0
    var iteration: UInt64 = 0
    /// Of the monotonic clock; 0 while nothing is under way.
    var startNanoseconds: UInt64 = 0
  }

  static let slotsMax = 64
  /// An input that takes longer hangs.
  static let inputSecondsMax: UInt64 = 10

  nonisolated(unsafe) static let slots: UnsafeMutablePointer<Slot> = {
    let slots = UnsafeMutablePointer<Slot>.allocate(capacity: slotsMax)
    slots.initialize(repeating: Slot(), count: slotsMax)
    return slots
  }()
  /// Names of the targets as C text, for the handler.
  nonisolated(unsafe) private static var names: [UnsafeMutablePointer<CChar>] = []
  nonisolated(unsafe) private static var seed: UInt64 = 0

  /// Before any thread begins.
  static func begin(seed: UInt64, targets: [String]) {
    self.seed = seed
    names = targets.compactMap { strdup($0) }
    _ = slots
    for signal in [SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGABRT, SIGFPE] {
      var action = sigaction()
      action.__sigaction_handler.sa_handler = { number in
        FlightRecorder.tell(ofThread: UInt(pthread_self()), "signal \(FlightRecorder.digits(UInt64(number)))")
        raise(number)
      }
      action.sa_flags = Int32(bitPattern: UInt32(SA_RESETHAND)) | SA_NODEFER
      sigaction(signal, &action, nil)
    }
    let watchdog = Thread {
      while true {
        usleep(250_000)
        let now = monotonicNanoseconds()
        for index in 0..<slotsMax {
          let start = slots[index].startNanoseconds
          if start != 0, now > start, now - start > inputSecondsMax * 1_000_000_000 {
            tell(ofThread: slots[index].thread, "hang: over \(inputSecondsMax) s")
            abort()
          }
        }
      }
    }
    watchdog.start()
  }

  @inline(__always)
  static func note(_ slot: Int, target: Int, iteration: UInt64) {
    slots[slot].thread = UInt(pthread_self())
    slots[slot].target = Int32(truncatingIfNeeded: target)
    slots[slot].iteration = iteration
    slots[slot].startNanoseconds = monotonicNanoseconds()
  }

  static func rest(_ slot: Int) { slots[slot].startNanoseconds = 0 }

  /// Says which input a thread is at. The process is about to end: what it allocates for that may fail, no more.
  private static func tell(ofThread thread: UInt, _ what: String) {
    for index in 0..<slotsMax where slots[index].startNanoseconds != 0 {
      let slot = slots[index]
      let name = names.indices.contains(Int(slot.target)) ? String(cString: names[Int(slot.target)]) : "?"
      let whose = slot.thread == thread ? "THE INPUT" : "meanwhile"
      line("\(what); \(whose): --only \(name) --seed \(digits(seed)) --from \(digits(slot.iteration)) --inputs 1\n")
    }
  }

  private static func digits(_ value: UInt64) -> String { String(value) }

  private static func line(_ text: String) {
    var text = text
    text.withUTF8 { _ = write(2, $0.baseAddress, $0.count) }
  }
}

func monotonicNanoseconds() -> UInt64 {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

/// Bytes of this process in memory.
func residentBytes() -> Int {
  guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8) else { return 0 }
  return (text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) * Int(getpagesize())
}
