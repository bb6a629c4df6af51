import Foundation
import Kafka
import Testing

@Suite(.timeLimit(.minutes(2))) struct ThreadTests {
  @Test func joiningEndsWithTheBodyOrWithTheTime() async {
    let mayEnd = DispatchSemaphore(value: 0)
    let thread = DedicatedThread(name: "test-thread") { mayEnd.wait() }
    #expect(await thread.join(timeout: .milliseconds(20)) == false)
    mayEnd.signal()
    await thread.join()
    #expect(await thread.join(timeout: .zero))
    #expect(thread.wait(timeout: .zero))
  }

  @Test func workOnAThreadOfItsOwnGivesBackItsValueOrItsError() async throws {
    #expect(await runOnOwnThread(name: "test") { () throws(Never) in 42 } == 42)
    await #expect(throws: KafkaError.self) {
      try await runOnOwnThread(name: "test") { () throws(KafkaError) in
        throw KafkaError(code: KafkaError.Code.timedOut)
      }
    }
  }

  @Test func manyTasksMayWaitForOneThread() async {
    let mayEnd = DispatchSemaphore(value: 0)
    let thread = DedicatedThread(name: "test-thread") { mayEnd.wait() }
    await withTaskGroup(of: Bool.self) { group in
      for number in 0..<100 {
        group.addTask { await thread.join(timeout: number.isMultiple(of: 2) ? .milliseconds(1) : patience) }
      }
      mayEnd.signal()
      var joined = 0
      for await isJoined in group where isJoined { joined += 1 }
      #expect(joined >= 50)
    }
  }
}
