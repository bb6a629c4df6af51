/// The five actions every queue service has, with the details Zaqar's feed was to carry.
extension Action {
  /// A message was deleted: `details.message_id`, and `claim_id` when it was deleted under a claim.
  public static func messageDeleted(
    messageID: String, claimID: String? = nil, user: Actor = .system, clientID: String? = nil,
    userAgent: String? = nil, message: String? = nil
  ) -> Action {
    var members = [JSONLiteral.Member("message_id", .string(messageID))]
    if let claimID { members.append(.init("claim_id", .string(claimID))) }
    return Action(
      type: .messageDeleted, details: JSONText(members: members), user: user, message: message, clientID: clientID,
      userAgent: userAgent)
  }

  /// Messages were claimed: `details.claim_id`, `message_ids`, `ttl` and `grace`.
  /// - Parameters:
  ///   - ttlSeconds: how long the claim holds.
  ///   - graceSeconds: how long claimed messages outlive the claim.
  public static func messagesClaimed(
    claimID: String, messageIDs: [String], ttlSeconds: Int, graceSeconds: Int, user: Actor = .system,
    clientID: String? = nil, userAgent: String? = nil, message: String? = nil
  ) -> Action {
    let details = claim(claimID, messageIDs, [("ttl", ttlSeconds), ("grace", graceSeconds)])
    return Action(
      type: .messagesClaimed, details: details, user: user, message: message, clientID: clientID, userAgent: userAgent)
  }

  /// A claim was renewed, or its times were changed: `details.claim_id`, `ttl` and `grace` where they were given, and
  /// `message_ids` where they are known.
  public static func claimUpdated(
    claimID: String, messageIDs: [String]? = nil, ttlSeconds: Int? = nil, graceSeconds: Int? = nil,
    user: Actor = .system, clientID: String? = nil, userAgent: String? = nil, message: String? = nil
  ) -> Action {
    let details = claim(claimID, messageIDs, [("ttl", ttlSeconds), ("grace", graceSeconds)])
    return Action(
      type: .claimUpdated, details: details, user: user, message: message, clientID: clientID, userAgent: userAgent)
  }

  /// A claim was given back before it expired: `details.claim_id`, and `message_ids` where they are known.
  public static func claimReleased(
    claimID: String, messageIDs: [String]? = nil, user: Actor = .system, clientID: String? = nil,
    userAgent: String? = nil, message: String? = nil
  ) -> Action {
    Action(
      type: .claimReleased, details: claim(claimID, messageIDs, []), user: user, message: message,
      clientID: clientID, userAgent: userAgent)
  }

  /// A claim ran out of time: `details.claim_id`, `message_ids` where they are known, and `ttl`, the time it had.
  ///
  /// Nobody asked for it, so the user is `SYSTEM`; the client is the one that held the claim.
  public static func claimExpired(
    claimID: String, messageIDs: [String]? = nil, ttlSeconds: Int? = nil, user: Actor = .system,
    clientID: String? = nil, userAgent: String? = nil, message: String? = nil
  ) -> Action {
    let details = claim(claimID, messageIDs, [("ttl", ttlSeconds)])
    return Action(
      type: .claimExpired, details: details, user: user, message: message, clientID: clientID, userAgent: userAgent)
  }

  private static func claim(_ claimID: String, _ messageIDs: [String]?, _ numbers: [(String, Int?)]) -> JSONText {
    var members = [JSONLiteral.Member("claim_id", .string(claimID))]
    if let messageIDs { members.append(.init("message_ids", .array(messageIDs.map { .string($0) }))) }
    for (name, value) in numbers {
      if let value { members.append(.init(name, .integer(value))) }
    }
    return JSONText(members: members)
  }
}
