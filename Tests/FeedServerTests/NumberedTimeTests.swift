import AuditActions
import Foundation
import HTTPTypes
import HummingbirdTesting
import Testing

@testable import FeedServer

@Suite struct NumberedTimeTests {
  @Test
  func `a numbered action's time is the same on a page, by its number and to Apache ACE, however the clocks are read`()
    async throws
  {
    let topic = Topic()
    let feed = try Feed(publisher: topic.publisher, aceQueue: try QueueAddress(project: "p", queue: "q"))
    topic.attach(feed.store)
    let log = ExchangeTests.log
    try await feed.test { client async throws in
      #expect(try await client.post("\(log)/actions", ExchangeTests.document([1, 2, 3])).status == .ok)
      let time = "2023-11-14T22:13:20.000000000Z"
      // Nor do they move the time of what comes.
      feed.clock.step(milliseconds: -1)
      #expect(try await client.post("\(log)/actions", ExchangeTests.document([4])).status == .ok)
      feed.clock.step(milliseconds: 1)
      let fourth = try #require(
        try await client.get("\(log)/actions?range=4").object["actions"] as? [[String: Any]])
      #expect(fourth.map { $0["time"] as? String } == [time])
      let lines = try await client.get("/auditlog/receive?range=1-3").text
      #expect(lines.contains(",1700000000000,"))
      // Two clocks that are read one after the other differ by a millisecond or two, now this way, now that.
      for step in [0, 1, -1, 2, -1, -1, -2, -500, 400, -400] as [Int64] {
        feed.clock.step(milliseconds: step)
        let page = try #require(try await client.get("\(log)/actions").object["actions"] as? [[String: Any]])
        #expect(page.map { $0["time"] as? String } == [time, time, time, time], "after \(step)")
        let one = try #require(try await client.get("\(log)/actions?range=2").object["actions"] as? [[String: Any]])
        #expect(one.map { $0["time"] as? String } == [time], "after \(step)")
        #expect(try await client.get("/auditlog/receive?range=1-3").text == lines, "after \(step)")
      }
    }
  }
}
