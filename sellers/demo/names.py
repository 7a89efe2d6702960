"""What people, companies and things are called in the demo. Made up; nobody is meant."""

from __future__ import annotations

COMPANY = "새벽시스템 Saebyeok Systems"
MAIL = "saebyeok.example"

# Each with how it is written in Latin letters: Korean e-mail addresses are.
KOREAN_SURNAMES = (
    ("김", "kim"), ("이", "lee"), ("박", "park"), ("최", "choi"), ("정", "jung"), ("강", "kang"),
    ("조", "cho"), ("윤", "yoon"), ("장", "jang"), ("임", "lim"), ("한", "han"), ("오", "oh"),
    ("서", "seo"), ("신", "shin"), ("권", "kwon"), ("황", "hwang"), ("안", "ahn"), ("송", "song"),
)  # fmt: skip
KOREAN_GIVEN = (
    ("민준", "minjun"), ("서연", "seoyeon"), ("도윤", "doyun"), ("지우", "jiwoo"),
    ("하준", "hajun"), ("서윤", "seoyun"), ("은우", "eunwoo"), ("하은", "haeun"),
    ("시우", "siwoo"), ("지유", "jiyu"), ("주원", "juwon"), ("채원", "chaewon"),
    ("지호", "jiho"), ("수아", "sua"), ("준서", "junseo"), ("지민", "jimin"),
    ("현우", "hyunwoo"), ("다은", "daeun"), ("우진", "woojin"), ("예린", "yerin"),
    ("선우", "sunwoo"), ("소율", "soyul"), ("태현", "taehyun"), ("나연", "nayeon"),
)  # fmt: skip
ENGLISH_SURNAMES = (
    "Abbott", "Barlow", "Carver", "Dunmore", "Ellery", "Fairfax", "Garner", "Hollis", "Ingram",
    "Jessop", "Kendrick", "Lowell", "Mercer", "Norwood", "Osborne", "Prescott", "Quill", "Redfern",
    "Sutter", "Thorne", "Underhill", "Vance", "Whitlock", "Yardley",
)  # fmt: skip
ENGLISH_GIVEN = (
    "Alice", "Benjamin", "Clara", "Daniel", "Eleanor", "Felix", "Grace", "Henry", "Iris", "James",
    "Katherine", "Leo", "Maya", "Nathan", "Olivia", "Peter", "Quentin", "Rose", "Samuel", "Tessa",
    "Victor", "Wendy", "Xavier", "Zoe",
)  # fmt: skip

KOREAN_COMPANY_STEMS = (
    ("가온", "gaon"), ("나래", "narae"), ("다솜", "dasom"), ("라온", "raon"), ("마루", "maru"),
    ("바름", "bareum"), ("세움", "seum"), ("아라", "ara"), ("자람", "jaram"),
    ("차오름", "chaoreum"), ("푸른솔", "pureunsol"), ("하늬", "hanui"), ("해오름", "haeoreum"),
    ("달빛", "dalbit"),
    ("물결", "mulgyeol"), ("별하", "byeolha"), ("솔찬", "solchan"), ("여울", "yeoul"),
)  # fmt: skip
KOREAN_COMPANY_ENDS = (
    ("전자", "electronics", "electronics"), ("정밀", "precision", "machinery"),
    ("화학", "chemical", "chemicals"), ("물류", "logistics", "logistics"),
    ("바이오", "bio", "health care"), ("식품", "foods", "food"), ("에너지", "energy", "energy"),
)  # fmt: skip
ENGLISH_COMPANY_STEMS = (
    "Alder", "Bracken", "Cinder", "Drift", "Ember", "Fathom", "Granite", "Harbour", "Islet",
    "Juniper", "Kestrel", "Larch", "Meridian", "Nimbus", "Osprey", "Pinnacle", "Quarry", "Rowan",
)  # fmt: skip
ENGLISH_COMPANY_ENDS = (
    ("Robotics", "machinery"), ("Freight", "logistics"), ("Labs", "health care"),
    ("Materials", "chemicals"), ("Instruments", "electronics"), ("Foods", "food"),
    ("Energy", "energy"),
)  # fmt: skip
CITIES = ("Seoul", "Busan", "Incheon", "Daejeon", "Gwangju", "Suwon", "Ulsan", "Changwon")
CITIES_ABROAD = ("Singapore", "Osaka", "Sydney", "Rotterdam", "Chicago")

DIVISIONS = (
    "수도권 Metropolitan", "영남 Yeongnam", "해외 Overseas", "호남·충청 Central", "공공 Public",
    "파트너 Partners",
)  # fmt: skip
ROLES = ("구매팀장 Head of Purchasing", "공장장 Plant Manager", "CTO", "CFO",
         "연구소장 Head of R&D", "Maintenance Lead", "품질팀장 Quality Lead",
         "IT Manager")  # fmt: skip
SAYS = ("decision maker", "economic buyer", "user", "influencer", "gatekeeper")

# Name, series, list price in USD, how often it is asked for.
PRODUCTS = (
    ("Sensor S1", "Sensors", 480, 5), ("Sensor S1 Plus", "Sensors", 960, 4),
    ("Gateway G2", "Gateways", 3_400, 4), ("Gateway G2 Pro", "Gateways", 5_900, 3),
    ("Analyzer A4", "Analyzers", 18_500, 2), ("Analyzer A4 Max", "Analyzers", 42_000, 1),
    ("Care Plan", "Services", 2_200, 3), ("Line Retrofit", "Services", 76_000, 1),
)  # fmt: skip

LOST = ("price", "a competitor was first", "no budget this year", "project was cancelled",
        "could not deliver in time", "stayed with what they have")  # fmt: skip
SUBJECTS = {
    "Prospecting": ("First talk about {product}", "{product}: 첫 상담", "What slows the line"),
    "Engaging": ("Showed {product}", "{product} 시연", "Walked through the plant", "Trial agreed"),
    "Proposal": ("Offer for {product} explained", "{product} 견적 협의", "Technical questions"),
    "Negotiation": ("Terms for {product}", "{product} 계약 조건 협의", "Delivery dates discussed"),
}  # fmt: skip
CARE = ("How is it going?", "정기 점검 안내", "Season's greetings", "New datasheet sent",
        "사용 현황 확인")  # fmt: skip
CAMPAIGNS = ("Spring webinar", "Smart Factory Fair", "가을 신제품 세미나", "Maintenance newsletter")
COMPLAINTS = (
    ("납기가 두 주나 늦어졌습니다.", "Delivery came two weeks late."),
    ("센서 값이 자주 끊깁니다.", "Readings drop out several times a day."),
    ("청구서 금액이 견적과 다릅니다.", "The invoice does not match the offer."),
    ("담당자와 연락이 되지 않습니다.", "Nobody calls us back."),
    ("설치 설명서가 부족합니다.", "The manual does not cover our set-up."),
    ("업데이트 후 속도가 느려졌습니다.", "It became slower after the update."),
)
RESULTS = (
    ("원인을 찾아 교체했고 고객에게 설명했습니다.", "We replaced the part and explained it."),
    ("정정된 청구서를 보냈습니다.", "We sent a corrected invoice."),
    ("새 납기를 약속하고 지켰습니다.", "We promised a new date and kept it."),
    ("현장을 방문해 설정을 바로잡았습니다.", "We visited and corrected the settings."),
)  # fmt: skip

CAUSES = (
    (
        "logistics",
        ("운송사에 야간 교대가 없습니다.", "The carrier has no night shift."),
        ("운송사를 바꿨습니다.", "We changed the carrier."),
    ),
    (
        "firmware",
        ("펌웨어가 값을 놓칩니다.", "The firmware drops readings."),
        ("펌웨어를 고쳐 배포했습니다.", "The firmware was corrected and rolled out."),
    ),
    (
        "offers",
        ("견적서 양식이 오래되었습니다.", "The form for offers is out of date."),
        ("견적 양식을 새로 만들었습니다.", "There is a new form for offers."),
    ),
)
ACTIONS = (
    ("현장에 기사를 보냈습니다.", "We sent an engineer."),
    ("대체품을 보냈습니다.", "We sent a replacement."),
    ("담당자를 정해 매일 연락합니다.", "Somebody calls every day until it is solved."),
)
SERVICE = (
    ("connected", ("매주 한 번 먼저 연락한다.", "You call us once a week before we do.")),
    ("responsive", ("불만은 사흘 안에 답한다.", "Complaints are answered within three days.")),
    ("insightful", ("우리 공정을 알고 제안한다.", "You know our process when you propose.")),
)
ANSWERED = (("critical", 1), ("high", 3), ("moderate", 7), ("low", 14))
COMMITMENTS = (
    (("금요일까지 견적서를 보내겠습니다.", "We send the offer by Friday."), "We sent it."),
    (("기술 자료를 찾아 보내겠습니다.", "We find the data sheet and send it."), "Sent by mail."),
    (("현장에 다시 가 보겠습니다.", "We look at it again on site."), "We were there."),
)
UNDERWAY = ("진행 상황을 알려 드립니다.", "Here is how it goes.")
DELAYED = ("하루 이틀 늦어집니다. 미리 말씀드립니다.", "It takes a day or two more; we say so now.")
TAKEN_BACK = ("제품이 단종되어 어렵습니다.", "The product has ended: we cannot.")
ESCALATED = ("고객이 계약 해지를 말합니다.", "The customer talks of leaving us.")
AGAIN = (
    ("같은 문제가 다시 생겼습니다.", "The same thing happened again."),
    ("약속한 만큼 좋아지지 않았습니다.", "It is not as much better as promised."),
)

BUYING_ROLES = ("decision_maker", "influencer", "user", "gatekeeper")
OPINIONS_ABOUT = (("us", None), ("product", "Sensor S1"), ("product", "Care Plan"),
                  ("competitor", "Northwind Sensors"))  # fmt: skip
STANCES = (
    ("supportive", "늘 제때 도와줍니다."), ("positive", "They know our line well."),
    ("neutral", "Works as expected."), ("critical", "가격이 계속 오릅니다."),
    ("opposed", "We would rather build it ourselves."),
)  # fmt: skip
MOVING = ("남궁현", "선우진", "황보라", "제갈민")
PURPOSES = (
    "Trust after the late deliveries",
    "내년 투자 계획 청취",
    "Renewal of the frame contract",
)
TALKING_POINTS = ("Open complaints", "Delivery dates", "신제품 로드맵", "Price list of next year",
                  "Training for maintenance")  # fmt: skip
PROMISES = ("Send a plan for the spare parts", "납기 개선안 회신", "Second engineer on site")
OUTCOMES = (
    "They stay if the dates hold.",
    "공장 증설을 검토 중이라고 함.",
    "Frame contract wanted.",
)
SEGMENTS = (
    ("결정권자 Decision makers", {"buying_role": "decision_maker"}),
    ("대리점 Dealers", {"affiliation": "dealer"}),
    ("Left alone for 90 days", {"within_days": 90, "touches_max": 0}),
    ("Advocates", {"recommends": "yes"}),
)
USELESS = ("Trade fair of last year", {"about": "promotion", "touches_min": 3})
STAYED = ("customer's deadline", "고객 일정 변경")

EVIDENCE = ("Plant manager named the budget", "예산 승인 메일 수신",
            "Trial ran two weeks without stops", "Purchasing asked for terms",
            "현장 실사 완료")  # fmt: skip
NEXT_STEPS = ("Visit the line with the maintenance lead", "견적 보완 후 재방문", "Meet the CFO",
              "Agree on the trial's goals", "기술 질의 회신")  # fmt: skip
POSITIONINGS = ("The one who keeps the line running", "가장 빠른 설치와 교육",
                "Lowest cost over five years")  # fmt: skip
COMPETITORS = ("Northwind Sensors", "한빛계측", "Atlas Automation")
STRENGTHS = ("Cheaper by a tenth", "Installed base in the second plant", "본사 추천")
ANSWERS = ("Show what downtime costs", "레퍼런스 공장 방문", "Bundle with the Care Plan")
TEAM_ROLES = ("engineer", "pricing", "executive sponsor")
QUESTIONS = (
    ("Who signs above 50,000?", "The CFO alone.", "decision"),
    ("언제까지 결정해야 합니까?", "분기 말 전입니다.", "timing"),
    ("What does one hour of standstill cost?", "About 4,000.", "issue"),
)
COACHING = (
    ("Two meetings, no date for the next", "We talk to users only", "No access to the CFO"),
    ("견적만 세 번 수정", "가치가 아닌 가격만 논의", "현장 문제를 묻지 않음"),
)
COACHED = ("Meets the CFO with the plant manager", "질문 목록을 먼저 보내기로 함")
RESTS = ("budget comes next year", "담당자 교체 중", "plant is being rebuilt")

# What came of plans, and why.
RHYTHM = "정기 미팅 Rhythm meeting"
MISSED = ("잊음 forgotten", "another call ran late", "nobody came")
CALLED_OFF = ("팀 전원 출장 everybody is on the road", "nothing to talk about")
MOVED = ("회의실 없음 no room", "the call before ran late", "고객 요청 asked for by the customer")
URGENT = ("line of the customer stands", "고객 긴급 요청 urgent request", "quote is due today")
NOTED = (
    "신제품 로드맵 관심 asks for the road map",
    "budget is decided next quarter",
    "경쟁사 시험 중 tries a rival's product",
    "wants a training for new colleagues",
)
RHYTHM_ENDED = ("분기 보고로 대체 a quarterly report instead", "meets us at the fair instead")
ACTIVITIES = (
    ("workshop", "공동 워크숍 Workshop"),
    ("seminar", "기술 세미나 Seminar"),
    ("survey", "설문 Survey of users"),
    ("thought_leadership", "경영진 간담회 Executive round table"),
    ("benchmarking", "벤치마킹 Benchmarking"),
    ("industry_report", "산업 리포트 Industry report"),
    ("technology_briefing", "기술 브리핑 Technology briefing"),
)
