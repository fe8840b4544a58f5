"""Countries and states by the names that people write, as the codes that vendors want."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from functools import lru_cache

_STATES = (
    "al alabama|ak alaska|az arizona|ar arkansas|ca california|co colorado|ct connecticut|de delaware|dc district of columbia|"
    "fl florida|ga georgia|hi hawaii|id idaho|il illinois|in indiana|ia iowa|ks kansas|ky kentucky|la louisiana|me maine|"
    "md maryland|ma massachusetts|mi michigan|mn minnesota|ms mississippi|mo missouri|mt montana|ne nebraska|nv nevada|"
    "nh new hampshire|nj new jersey|nm new mexico|ny new york|nc north carolina|nd north dakota|oh ohio|ok oklahoma|"
    "or oregon|pa pennsylvania|ri rhode island|sc south carolina|sd south dakota|tn tennessee|tx texas|ut utah|vt vermont|"
    "va virginia|wa washington|wv west virginia|wi wisconsin|wy wyoming|as american samoa|gu guam|mp northern mariana islands|"
    "pr puerto rico|vi virgin islands|vi us virgin islands|"
    "ab alberta|bc british columbia|mb manitoba|nb new brunswick|nl newfoundland and labrador|nl newfoundland|ns nova scotia|"
    "nt northwest territories|nu nunavut|on ontario|pe prince edward island|qc quebec|qc québec|sk saskatchewan|yt yukon"
)
STATES: Mapping[str, str] = {
    "".join(name.split()): code for code, name in (entry.split(" ", 1) for entry in _STATES.split("|"))
}
"""Name without blanks, lower case → the two letters of the US states, their territories, and the provinces of Canada."""

_COUNTRIES = """
ad and andorra|ae are united arab emirates|af afg afghanistan|ag atg antigua and barbuda|ai aia anguilla|al alb albania|am arm armenia|
ao ago angola|aq ata antarctica|ar arg argentina|as asm american samoa|at aut austria|au aus australia|aw abw aruba|ax ala aland islands|
az aze azerbaijan|ba bih bosnia and herzegovina|bb brb barbados|bd bgd bangladesh|be bel belgium|bf bfa burkina faso|bg bgr bulgaria|
bh bhr bahrain|bi bdi burundi|bj ben benin|bl blm saint barthelemy|bm bmu bermuda|bn brn brunei|bo bol bolivia|bq bes bonaire|
br bra brazil|bs bhs bahamas|bt btn bhutan|bv bvt bouvet island|bw bwa botswana|by blr belarus|bz blz belize|ca can canada|
cc cck cocos islands|cd cod democratic republic of the congo|cf caf central african republic|cg cog congo|ch che switzerland|
ci civ ivory coast|ck cok cook islands|cl chl chile|cm cmr cameroon|cn chn china|co col colombia|cr cri costa rica|cu cub cuba|
cv cpv cape verde|cw cuw curacao|cx cxr christmas island|cy cyp cyprus|cz cze czech republic|de deu germany|dj dji djibouti|
dk dnk denmark|dm dma dominica|do dom dominican republic|dz dza algeria|ec ecu ecuador|ee est estonia|eg egy egypt|
eh esh western sahara|er eri eritrea|es esp spain|et eth ethiopia|fi fin finland|fj fji fiji|fk flk falkland islands|
fm fsm micronesia|fo fro faroe islands|fr fra france|ga gab gabon|gb gbr united kingdom|gd grd grenada|ge geo georgia|
gf guf french guiana|gg ggy guernsey|gh gha ghana|gi gib gibraltar|gl grl greenland|gm gmb gambia|gn gin guinea|gp glp guadeloupe|
gq gnq equatorial guinea|gr grc greece|gs sgs south georgia|gt gtm guatemala|gu gum guam|gw gnb guinea-bissau|gy guy guyana|
hk hkg hong kong|hm hmd heard island|hn hnd honduras|hr hrv croatia|ht hti haiti|hu hun hungary|id idn indonesia|ie irl ireland|
il isr israel|im imn isle of man|in ind india|io iot british indian ocean territory|iq irq iraq|ir irn iran|is isl iceland|
it ita italy|je jey jersey|jm jam jamaica|jo jor jordan|jp jpn japan|ke ken kenya|kg kgz kyrgyzstan|kh khm cambodia|ki kir kiribati|
km com comoros|kn kna saint kitts and nevis|kp prk north korea|kr kor south korea|kw kwt kuwait|ky cym cayman islands|
kz kaz kazakhstan|la lao laos|lb lbn lebanon|lc lca saint lucia|li lie liechtenstein|lk lka sri lanka|lr lbr liberia|ls lso lesotho|
lt ltu lithuania|lu lux luxembourg|lv lva latvia|ly lby libya|ma mar morocco|mc mco monaco|md mda moldova|me mne montenegro|
mf maf saint martin|mg mdg madagascar|mh mhl marshall islands|mk mkd north macedonia|ml mli mali|mm mmr myanmar|mn mng mongolia|
mo mac macao|mp mnp northern mariana islands|mq mtq martinique|mr mrt mauritania|ms msr montserrat|mt mlt malta|mu mus mauritius|
mv mdv maldives|mw mwi malawi|mx mex mexico|my mys malaysia|mz moz mozambique|na nam namibia|nc ncl new caledonia|ne ner niger|
nf nfk norfolk island|ng nga nigeria|ni nic nicaragua|nl nld netherlands|no nor norway|np npl nepal|nr nru nauru|nu niu niue|
nz nzl new zealand|om omn oman|pa pan panama|pe per peru|pf pyf french polynesia|pg png papua new guinea|ph phl philippines|
pk pak pakistan|pl pol poland|pm spm saint pierre and miquelon|pn pcn pitcairn|pr pri puerto rico|ps pse palestine|pt prt portugal|
pw plw palau|py pry paraguay|qa qat qatar|re reu reunion|ro rou romania|rs srb serbia|ru rus russia|rw rwa rwanda|sa sau saudi arabia|
sb slb solomon islands|sc syc seychelles|sd sdn sudan|se swe sweden|sg sgp singapore|sh shn saint helena|si svn slovenia|
sj sjm svalbard and jan mayen|sk svk slovakia|sl sle sierra leone|sm smr san marino|sn sen senegal|so som somalia|sr sur suriname|
ss ssd south sudan|st stp sao tome and principe|sv slv el salvador|sx sxm sint maarten|sy syr syria|sz swz eswatini|
tc tca turks and caicos islands|td tcd chad|tf atf french southern territories|tg tgo togo|th tha thailand|tj tjk tajikistan|
tk tkl tokelau|tl tls timor-leste|tm tkm turkmenistan|tn tun tunisia|to ton tonga|tr tur turkey|tt tto trinidad and tobago|
tv tuv tuvalu|tw twn taiwan|tz tza tanzania|ua ukr ukraine|ug uga uganda|um umi united states minor outlying islands|
us usa united states|uy ury uruguay|uz uzb uzbekistan|va vat vatican|vc vct saint vincent and the grenadines|ve ven venezuela|
vg vgb british virgin islands|vi vir virgin islands|vn vnm vietnam|vu vut vanuatu|wf wlf wallis and futuna|ws wsm samoa|xk xkx kosovo|
ye yem yemen|yt myt mayotte|za zaf south africa|zm zmb zambia|zw zwe zimbabwe
"""
_OTHER_NAMES = (
    "uk gb|england gb|great britain gb|scotland gb|wales gb|united states of america us|america us|czechia cz|holland nl|the netherlands nl|"
    "deutschland de|österreich at|schweiz ch|suisse ch|republic of korea kr|korea kr|russian federation ru|viet nam vn|türkiye tr|turkiye tr|"
    "españa es|italia it|polska pl|brasil br|méxico mx|côte d'ivoire ci|uae ae|macau mo|swaziland sz|republic of ireland ie"
)


def _country_names() -> dict[str, str]:
    names: dict[str, str] = {}
    for entry in _COUNTRIES.replace("\n", "").split("|"):
        two, three, name = entry.strip().split(" ", 2)
        names |= {two: two, three: two, name: two}
    for entry in _OTHER_NAMES.split("|"):
        name, _, code = entry.rpartition(" ")
        names[name] = code
    return names


COUNTRIES: Mapping[str, str] = _country_names()
"""Alpha-2, alpha-3 and English names (ISO 3166-1), lower case → alpha-2, lower case."""


@lru_cache(maxsize=1024)
def country_code(text: str) -> str | None:
    """ISO 3166-1 alpha-2 in lower case for a code or a name, or None."""
    return COUNTRIES.get(" ".join(text.lower().replace(".", "").split()))


@lru_cache(maxsize=4096)
def compact(text: str) -> str:
    """Letters of any script and marks alone, lower case: `Saint-Étienne` → `saintétienne`."""
    folded = unicodedata.normalize("NFC", text).lower()
    return "".join(one for one in folded if unicodedata.category(one)[0] in "LM")


@lru_cache(maxsize=4096)
def state_code(text: str) -> str:
    """The two letters of a US state, territory or Canadian province; any other region as its letters."""
    letters = compact(text)
    return STATES.get(letters, letters)
