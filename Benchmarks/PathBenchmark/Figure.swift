import Foundation

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// What one pass took: from the moment it is made to the moment it is printed.
struct Figure {
  private(set) var count = 0
  private var wall = Figure.now()
  private var cpu = Figure.cpuTime()

  /// Begins anew, with what is counted from here on.
  mutating func restart() { self = Figure() }

  /// Ends the pass.
  func ended(count: Int) -> Figure {
    var figure = self
    figure.count = count
    figure.wall = Self.now() - wall
    figure.cpu = Self.cpuTime() - cpu
    return figure
  }

  func print() {
    Swift.print("\(count) \(wall) \(cpu) \(Self.anonymousKiB())")
  }

  private static func now() -> Double { seconds(CLOCK_MONOTONIC) }
  private static func cpuTime() -> Double { seconds(CLOCK_PROCESS_CPUTIME_ID) }

  private static func seconds(_ clock: clockid_t) -> Double {
    var time = timespec()
    clock_gettime(clock, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  /// Mapped segments belong to the page cache, not to us: the anonymous part is what must not grow.
  private static func anonymousKiB() -> Int {
    let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix("RssAnon:") }
    return line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) } ?? 0
  }
}
