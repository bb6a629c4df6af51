import Foundation
import Testing

@testable import strandline

@Suite("What doctor says")
struct DoctorTests {
  @Test(
    "free space is judged against what a node needs and against its budget",
    arguments: [
      (1 << 20, 0, Finding.Level.fail), (100 << 20, 0, .warn), (4 << 30, 0, .ok), (4 << 30, 2 << 30, .ok),
      (4 << 30, 8 << 30, .warn),
    ])
  func disk(free: Int, budget: Int, level: Finding.Level) {
    #expect(MachineCheck.disk(free: free, budget: budget).level == level)
  }

  @Test("a topic that is created lasts longer than the longest action, on the broker's clock")
  func wanted() {
    let settings = TopicCheck.wanted(.actions, retentionHours: 504, replicationFactor: 3)
    #expect(
      settings == [
        "cleanup.policy": "delete", "message.timestamp.type": "LogAppendTime", "retention.ms": "1814400000",
        "min.insync.replicas": "2",
      ])
    #expect(TopicCheck.wanted(.actions, retentionHours: 504, replicationFactor: nil)["min.insync.replicas"] == nil)
  }

  @Test(
    "each setting of a topic that endangers actions is found",
    arguments: [
      ("cleanup.policy", "compact", 1, Finding.Level.fail), ("cleanup.policy", "compact,delete", 1, .fail),
      ("cleanup.policy", "delete", 1, .ok), ("retention.ms", "60000", 1, .fail),
      ("retention.ms", "604800000", 1, .warn),
      ("retention.ms", "1209600000", 1, .warn), ("retention.ms", "1814400000", 1, .ok), ("retention.ms", "-1", 1, .ok),
      ("retention.bytes", "1000", 1, .warn), ("message.timestamp.type", "CreateTime", 1, .warn),
      ("message.timestamp.type", "LogAppendTime", 1, .ok), ("max.message.bytes", "100000", 1, .warn),
      ("min.insync.replicas", "2", 1, .fail), ("min.insync.replicas", "1", 3, .warn),
    ])
  func settings(name: String, value: String, copies: Int, level: Finding.Level) {
    let check = TopicCheck(name: "t", role: .actions, defaultTimeToLiveSeconds: 300)
    let findings = check.settingFindings([name: value], copies: copies)
    #expect(findings.map(\.level) == [level])
    #expect(findings.allSatisfy { ($0.mend == nil) == ($0.level == .ok) })
  }

  @Test("the topic of queue metadata has to be compacted, and is made so")
  func compaction() {
    let check = TopicCheck(name: "t", role: .queues, defaultTimeToLiveSeconds: 300)
    for (policy, level) in [("compact", Finding.Level.ok), ("delete", .fail), ("compact,delete", .fail)] {
      let findings = check.settingFindings(["cleanup.policy": policy, "retention.ms": "60000"], copies: 1)
      #expect(findings.map(\.level) == [level])
    }
    #expect(
      TopicCheck.wanted(.queues, retentionHours: 504, replicationFactor: 3)
        == ["cleanup.policy": "compact", "delete.retention.ms": "604800000", "min.insync.replicas": "2"])
  }

  @Test("settings that do no harm are passed over")
  func harmless() {
    let check = TopicCheck(name: "t", role: .actions, defaultTimeToLiveSeconds: 300)
    #expect(
      check.settingFindings(
        ["retention.bytes": "-1", "max.message.bytes": "1048588", "min.insync.replicas": "2", "x": "y"], copies: 3
      ).isEmpty)
    #expect(check.settingFindings(["min.insync.replicas": "1"], copies: 1).isEmpty)
  }

  @Test("a directory that cannot be made is found, whatever the rights say, and one that can is left unmade")
  func directories() throws {
    #expect(MachineCheck(directory: "/proc/strandline", budgetBytes: 0).findings().first?.level == .fail)
    let place = FileManager.default.temporaryDirectory.appending(path: "strandline-test-\(UUID().uuidString)").path
    #expect(MachineCheck(directory: place + "/data", budgetBytes: 0).findings().first?.level == .ok)
    #expect(!FileManager.default.fileExists(atPath: place))
  }

  @Test("a finding is one line with its mark, and what to mend below")
  func text() {
    let finding = Finding.warn("disk", "100 MiB free", mend: "make room")
    #expect(finding.text(Colour(isOn: false)) == "[warn] disk: 100 MiB free\n       → make room")
    #expect(
      finding.json.text == #"{"level":"warn","check":"disk","detail":"100 MiB free","mend":"make room"}"#)
  }

  @Test(
    "counters that add up are well, others are not",
    arguments: [
      (
        #"{"received":9,"live":2,"expired_served":3,"expired_unread":3,"rejected":1,"unbalanced_queues":0,"holes":0}"#,
        Finding.Level.ok
      ),
      (
        #"{"received":9,"live":2,"expired_served":3,"expired_unread":3,"rejected":1,"unbalanced_queues":0,"holes":1}"#,
        .warn
      ),
      (
        #"{"received":9,"live":1,"expired_served":3,"expired_unread":3,"rejected":1,"unbalanced_queues":0,"holes":0}"#,
        .fail
      ),
      (
        #"{"received":9,"live":2,"expired_served":3,"expired_unread":3,"rejected":1,"unbalanced_queues":1,"holes":0}"#,
        .fail
      ),
      ("<html>", .warn), ("{}", .warn),
    ])
  func counters(answer: String, level: Finding.Level) {
    #expect(CountersCheck.judge(Array(answer.utf8), url: "http://127.0.0.1:8080").level == level)
  }
}
