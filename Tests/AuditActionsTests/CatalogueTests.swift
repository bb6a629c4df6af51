import Testing

@testable import AuditActions

@Suite("The catalogue of event types, and channels")
struct CatalogueTests {
  @Test("has the five kinds, Ignite's nineteen, Tracker's and ACE's, each name once")
  func builtIn() {
    #expect(EventSet.builtIn.map(\.types.count) == [5, 19, 6, 20])
    #expect(EventCatalogue.builtIn.types.count == 50)
    for type in ["ClaimExpired", "REST_API_REQUEST_FINISHED", "METADATA_CHANGE", "TARGETPROPERTIES_SET"] {
      #expect(EventCatalogue.builtIn.contains(ActionType(type)))
    }
  }

  @Test("takes a user's own types, and counts one that is built in where it is")
  func own() throws {
    let catalogue = try EventCatalogue(own: ["OrderShipped", "CREATE"])
    #expect(catalogue.contains("OrderShipped"))
    #expect(catalogue.sets.last?.types == ["OrderShipped"])
    #expect(try EventCatalogue(own: ["CREATE"]) == .builtIn)
  }

  @Test(
    "refuses own types that no action could have, and one given twice",
    arguments: [[""], ["a\nb"], ["a\u{85}b"], [String(repeating: "x", count: 257)], ["A", "A"]])
  func refusesOwn(names: [String]) {
    let error = #expect(throws: AuditActionError.self) {
      try EventCatalogue(own: names.map { EventDefinition(ActionType($0)) })
    }
    #expect(error?.code == .invalidEventType)
  }

  @Test("an unknown event of a channel is an error in Ignite's words, with the nearest known one")
  func unknownEvent() {
    let error = #expect(throws: AuditActionError.self) {
      try ChannelSet([Channel("claims", events: ["ClaimExpierd"])])
    }
    #expect(error?.code == .unknownEventType)
    #expect(
      error?.detail
        == "Unable to find event type 'ClaimExpierd' in the system. Please, make sure you set the correct event type."
        + " The nearest known one is 'ClaimExpired'.")
    let far = #expect(throws: AuditActionError.self) { try EventCatalogue.builtIn.require("Zebra") }
    #expect(far?.detail.hasSuffix("correct event type.") == true)
    let long = #expect(throws: AuditActionError.self) {
      try EventCatalogue.builtIn.require(ActionType(String(repeating: "x", count: 100_000)))
    }
    #expect(long.map { $0.detail.utf8.count < 300 } == true)
  }

  @Test("the events of enabled channels are wanted; without channels all are, with none enabled nothing is")
  func wants() throws {
    #expect(ChannelSet.none.wants("Anything"))
    #expect(try ChannelSet([]).wants("Anything"))
    let claims = Channel("claims", events: [.claimExpired, .claimReleased])
    let deletes = Channel("deletes", isEnabled: false, events: [.messageDeleted, .claimExpired])
    let set = try ChannelSet([deletes, claims])
    #expect(set.channels.map(\.name) == ["claims", "deletes"])
    #expect(set.wants(.claimExpired) && set.wants(.claimReleased))
    #expect(!set.wants(.messageDeleted) && !set.wants("Anything"))
    #expect(try !ChannelSet([deletes]).wants(.claimExpired))
    #expect(try !ChannelSet([Channel("empty", events: [])]).wants(.claimExpired))
  }

  @Test(
    "refuses names of channels out of their limits, and one given twice",
    arguments: [[""], ["a b"], [".."], [String(repeating: "c", count: 65)], ["a", "a"]])
  func refusesNames(names: [String]) {
    let error = #expect(throws: AuditActionError.self) { try ChannelSet(names.map { Channel($0, events: []) }) }
    #expect(error?.code == .invalidChannel)
  }

  @Test(
    "edits are counted",
    arguments: [
      ("", "", 0), ("a", "", 1), ("abc", "abc", 0), ("abc", "acb", 1), ("kitten", "sitting", 3), ("ca", "abc", 3),
    ])
  func edits(first: String, second: String, count: Int) {
    #expect(Spelling.distance(Array(first.utf8), Array(second.utf8)) == count)
  }
}
