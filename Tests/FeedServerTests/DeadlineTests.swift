import NIOCore
import Testing

@testable import FeedServer

@Suite struct DeadlineTests {
  private static let start = NIODeadline.uptimeNanoseconds(1_000_000_000)

  private func make() -> ConnectionDeadlines {
    var limits = ConnectionLimits()
    limits.idleTimeout = .seconds(75)
    limits.headTimeout = .seconds(10)
    limits.contentTimeout = .seconds(30)
    limits.writeTimeout = .seconds(20)
    limits.drainTimeout = .seconds(5)
    return ConnectionDeadlines(limits: limits, now: Self.start)
  }

  @Test func `what is waited for decides the deadline`() {
    var deadlines = make()
    #expect(deadlines.expired(now: Self.start + .seconds(74)) == nil)
    #expect(deadlines.expired(now: Self.start + .seconds(75)) == .idle)
    deadlines.wait(for: .head, now: Self.start + .seconds(70))
    #expect(deadlines.expired(now: Self.start + .seconds(79)) == nil)
    #expect(deadlines.expired(now: Self.start + .seconds(80)) == .head)
    deadlines.wait(for: .content, now: Self.start + .seconds(75))
    #expect(deadlines.expired(now: Self.start + .seconds(105)) == .content)
    deadlines.wait(for: .nothing, now: Self.start + .seconds(80))
    #expect(deadlines.next == nil)
  }

  @Test func `a client that takes nothing of its answer is not waited for`() {
    var deadlines = make()
    deadlines.wait(for: .nothing, now: Self.start)
    deadlines.setWritable(false, now: Self.start)
    deadlines.setWritable(false, now: Self.start + .seconds(15))
    #expect(deadlines.expired(now: Self.start + .seconds(20)) == .write)
    deadlines.setWritable(true, now: Self.start + .seconds(19))
    #expect(deadlines.next == nil)
    deadlines.beginFlushing(now: Self.start + .seconds(20))
    deadlines.setWritable(true, now: Self.start + .seconds(30))
    #expect(deadlines.expired(now: Self.start + .seconds(49)) == nil)
    #expect(deadlines.expired(now: Self.start + .seconds(50)) == .write)
  }

  @Test func `the first deadline counts, and a shutdown's is not moved`() {
    var deadlines = make()
    deadlines.beginDraining(now: Self.start)
    deadlines.beginDraining(now: Self.start + .seconds(4))
    deadlines.wait(for: .head, now: Self.start + .seconds(4))
    #expect(deadlines.expired(now: Self.start + .seconds(5)) == .drain)
    deadlines.beginLingering(now: Self.start + .seconds(1))
    #expect(deadlines.expired(now: Self.start + .seconds(3)) == .linger)
  }
}
